/**
 * Whether the client may send for the domain of the reverse-path (RFC 7208), and what becomes of it by SPFBEHAVIOR. It
 * reports what it found to later entries, whatever it decides.
 */
import {
  after,
  controlInteger,
  controlLine,
  defer,
  definePlugin,
  finding,
  option,
  pass,
  reject,
  relayClient,
  type Defer,
  type HeaderEdit,
  type MaybePromise,
  type Option,
  type Pass,
  type Reject,
  type ReversePath,
  type Session,
} from 'postern/plugin'
import { asciiAddress, asciiName } from '../shared/mailauth/ascii-names.ts'
import { resultCounter } from '../shared/mailauth/count-results.ts'
import { originClient, trustedHop } from '../trusted-hops/findings.ts'
import { probeDns } from '../shared/dns-probe/probe-dns.ts'
import { behaviour, levels, usualLevel } from './behaviour.ts'
import { loadSpf, type SpfAnswer } from './evaluate.ts'
import { spfResult } from './findings.ts'
import { SpfMemory } from './memory.ts'

/** As the qmail patch has it: whatever the variable says but 0 is yes. */
function unlessZero(flag: Option<boolean>): Option<boolean> {
  return { ...flag, fromText: (text) => ({ ok: true, value: text !== '0' }) }
}

export const spf = definePlugin({
  name: 'spf',
  summary: 'Checks the client against the sender domain’s SPF policy (SPFBEHAVIOR).',
  defaults: { refuseAt: 'rcpt', unless: { authenticated: true } },
  wants: [trustedHop, originClient],
  provides: [spfResult],
  options: {
    level: option.choice(levels, {
      default: 'control',
      env: 'SPFBEHAVIOR',
      description:
        '0: off; 1: header only; 2: defer where the DNS fails; 3: refuse fail; 4: and softfail; 5: and neutral; 6: and no policy.',
    }),
    control: option.file({ default: 'control/spfbehavior' }),
    rules: option.file({
      default: 'control/spfrules',
      description: 'Mechanisms that are tried before a failure, one line.',
    }),
    guess: option.file({
      default: 'control/spfguess',
      description: 'Mechanisms for domains without a policy, one line.',
    }),
    explanation: option.file({
      default: 'control/spfexp',
      description:
        'What a client is told whose sender’s domain gives no explanation; macros as in it.',
    }),
    block_plus_all: unlessZero(
      option.boolean({
        default: false,
        env: 'SPF_BLOCK_PLUS_ALL',
        description:
          'A policy with +all, its own or by redirect= or include:, lets everybody send: it fails.',
      }),
    ),
    via_hop: option.choice(['report', 'refuse'], {
      default: 'report',
      description:
        'A failure of mail that a relay of ours brings (trusted-hops): a refusal makes that relay send a bounce.',
    }),
    log: option.boolean({ default: false, env: 'SPF_LOG', description: 'Log each answer.' }),
  },
  setup({ control, rules, guess, explanation }, { clock, dns, log, metrics }) {
    const count = resultCounter(metrics, 'SPF')
    const memory = new SpfMemory(clock)
    const level = control.follow((bytes) => controlInteger(bytes, usualLevel).value)
    const locally = {
      rules: rules.follow((bytes) => controlLine(bytes, '').value),
      guess: guess.follow((bytes) => controlLine(bytes, '').value),
      explanation: explanation.follow((bytes) => controlLine(bytes, '').value),
    }
    const judge = (judged: Judged, options: Judging, signal: AbortSignal): MaybePromise<Spoken> => {
      const { client, session, reversePath } = judged
      const question = {
        address: client.address,
        // RFC 7208 §4.3; and they stand in a field of ours.
        sender: reversePath === null ? '' : asciiAddress(reversePath),
        hello: asciiName(client.hello),
        hostname: asciiName(session.hostname),
      }
      const local = {
        rules: locally.rules.current,
        guess: locally.guess.current,
        explanation: locally.explanation.current,
        blockPlusAll: options.block_plus_all,
      }
      return after(memory.evaluate(question, local, { dns, signal }), (answer) => {
        const { result, domain, by } = answer
        count(result)
        if (options.log) {
          log.info('spf.answered', {
            session: session.id,
            address: client.address,
            result,
            domain,
            by,
          })
        }
        return verdictOf(answer, judged)
      })
    }
    return {
      probe: (signal) => probeDns(dns, signal),
      async open() {
        await loadSpf()
      },
      mail({ session, reversePath }, { options, findings, signal }) {
        const inForce = options.level === 'control' ? level.current : Number(options.level)
        if (inForce < 1 || session.user !== undefined) return pass()
        if (findings.get(relayClient) !== undefined || isOurselves(session)) return pass()
        // Who sent what a relay of ours brings is known when the message is there.
        if (findings.get(trustedHop) !== undefined) return pass()
        const client = { address: session.remote.address, hello: session.hello?.name ?? '' }
        return judge({ client, session, reversePath, inForce }, options, signal)
      },
      message({ transaction }, { options, findings, signal }) {
        const client = findings.get(originClient)
        const inForce = options.level === 'control' ? level.current : Number(options.level)
        if (client === undefined || inForce < 1) return pass()
        const { session, reversePath } = transaction
        // A refusal would make our own relay send a bounce to whoever was named as the sender.
        const most = options.via_hop === 'refuse' ? inForce : Math.min(inForce, reportOnly)
        return judge({ client, session, reversePath, inForce: most }, options, signal)
      },
    }
  },
})

/** Of one mail: whose it is, and how strictly that is taken. */
interface Judged {
  readonly client: { readonly address: string; readonly hello: string }
  readonly session: Session
  readonly reversePath: ReversePath
  readonly inForce: number
}

interface Judging {
  readonly block_plus_all: boolean
  readonly log: boolean
}

/** With what it found. */
type Spoken = Pass<'spf'> | Defer<'spf'> | Reject<'spf'>

/** The level that adds a header and refuses nothing. */
const reportOnly = 1

function verdictOf(
  answer: SpfAnswer,
  { client: { address }, reversePath, inForce }: Judged,
): Spoken {
  const { result, domain, by, record = '', opened } = answer
  const identity: 'helo' | 'mailfrom' = reversePath === null ? 'helo' : 'mailfrom'
  const opinion = {
    reason: `SPF_${result.toUpperCase()}`,
    evidence: {
      domain,
      by,
      record: record.slice(0, 500),
      ...(opened === undefined ? {} : { opened }),
    },
    findings: [finding(spfResult, { result, domain, identity })],
    headerEdits: received(answer),
  }
  switch (behaviour(result, inForce)) {
    case 'accept':
      return pass(opinion)
    case 'defer':
      return defer('4.4.3', 'SPF lookup failure', { ...opinion, at: 'now' })
    case 'reject':
      return reject('5.7.23', explain(answer, address), opinion)
  }
}

/** What comes from this host itself is nobody else's. */
function isOurselves({ remote, local }: Session): boolean {
  return (
    remote.address === local.address ||
    remote.address === '::1' ||
    remote.address.startsWith('127.')
  )
}

function received({ field }: SpfAnswer): readonly HeaderEdit[] {
  if (field === '') return []
  return [{ edit: 'prepend', name: 'Received-SPF', value: field.replace(/\s+/g, ' ') }]
}

/** The domain's own words come from the network: one line of printable ASCII, and not too long (RFC 7208 §11.3). */
function explain(answer: SpfAnswer, address: string): string {
  const { explanation, ours, domain, result, opened } = answer
  if (opened !== undefined) {
    const whose = opened.toLowerCase() === domain.toLowerCase() ? '' : ` (that of ${opened})`
    return `${domain} has an improper SPF record${spoken(whose)}`
  }
  const usual = ours === '' ? `SPF says ${result} for ${domain} from ${address}` : spoken(ours)
  if (explanation === undefined || explanation === '') return usual
  return `${domain} explains: ${spoken(explanation)}`
}

function spoken(words: string): string {
  return words.slice(0, 300).replace(/[^\x20-\x7e]/g, '?')
}
