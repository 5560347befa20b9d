/**
 * Seals what goes on to others in the name of strangers (RFC 8617 §5.1): says what we saw of it, so that who trusts us can
 * believe it when the way on breaks SPF or a signature. What our own people send is signed by `dkim-sign` instead.
 */
import {
  definePlugin,
  option,
  relayClient,
  type Message,
  type SignatureField,
} from 'postern/plugin'
import { arcResult } from '../arc/findings.ts'
import { ownResults } from '../shared/mailauth/own-results.ts'
import { sealMessage, loadSealing } from '../shared/mailauth/seal-message.ts'
import { lookAtSignedHeader } from '../shared/mailauth/signed-header.ts'
import { SigningKeys } from '../shared/mailauth/signing-keys.ts'

const limits = { maxSignatures: 20, maxHeaderBytes: 262_144 }

export const arcSeal = definePlugin({
  name: 'arc-seal',
  summary: 'Seals forwarded mail with what we found about its sender (ARC).',
  needs: [arcResult],
  options: {
    domain: option.string({
      maxLength: 253,
      description: 'In whose name: `d=`.',
    }),
    keys: option.templates({
      default: ['dkim/%/default'],
      description:
        'The file of the private key, as dkim-sign has it; the first that is there seals.',
    }),
  },
  setup(usual, { clock, log }) {
    const keys = new SigningKeys(log)
    return {
      async check() {
        const domain = usual.domain.toLowerCase()
        if (keys.keysFor(domain, usual.keys).length > 0) return []
        const problem = `there is no key for ${domain}: nothing is sealed`
        return [{ option: 'domain', problem, remedy: `make one: postern dkim new ${domain}` }]
      },
      async open() {
        await loadSealing()
      },
      async sign({ transaction: { session }, message }, { options, findings, signal }) {
        if (session.user !== undefined || findings.get(relayClient) !== undefined) return []
        const chain = findings.get(arcResult)
        const [key] = keys.keysFor(options.domain.toLowerCase(), options.keys)
        // A chain that is broken stays broken: nobody would believe what stands above it.
        if (chain === undefined || chain.result === 'fail' || key === undefined) return []
        if ((await lookAtSignedHeader(message, limits)).unfit !== undefined) return []
        return sealed(message, session.hostname, { key, cv: chain.result, at: clock.now(), signal })
      },
    }
  },
})

function sealed(
  message: Message,
  hostname: string,
  parts: Omit<Parameters<typeof sealMessage>[1], 'results'>,
): Promise<readonly SignatureField[]> {
  const results = ownResults(message.header.all('authentication-results'), hostname)
  return sealMessage(message, { ...parts, results: results ?? `${hostname}; none` })
}
