/**
 * Verifies the chain of ARC sets (RFC 8617): who had the message on its way, and what each of them saw. It decides
 * nothing: whose word counts is said where it counts, by `dmarc`.
 */
import { definePlugin, finding, option, pass } from 'postern/plugin'
import { lookAtSignedHeader } from '../shared/mailauth/signed-header.ts'
import { probeDns } from '../shared/dns-probe/probe-dns.ts'
import { ArcEvaluator, failed, noChain } from './evaluate.ts'
import { arcResult, type ArcFinding } from './findings.ts'

export const arc = definePlugin({
  name: 'arc',
  summary: 'Verifies the ARC chain of forwarded mail.',
  defaults: { unless: { authenticated: true } },
  provides: [arcResult],
  options: {
    max_header: option.size({
      default: '256KB',
      description: 'A chain in a longer header counts as broken.',
    }),
  },
  setup(_defaults, { dns, clock }) {
    const evaluator = new ArcEvaluator()
    return {
      probe: (signal) => probeDns(dns, signal),
      async open() {
        await evaluator.load()
      },
      async message({ message }, { options, signal }) {
        const limits = { maxSignatures: 20, maxHeaderBytes: options.max_header }
        const header = await lookAtSignedHeader(message, limits)
        const find = async (): Promise<ArcFinding> => {
          if (header.arcSets === 0) return noChain
          if (header.unfit !== undefined) return failed(header.unfit)
          return evaluator.evaluate(message, { dns, signal, now: clock.now() })
        }
        const found = await find()
        return pass({
          reason: `ARC_${found.result.toUpperCase()}`,
          evidence: {
            sealers: found.sets.map(({ sealer }) => sealer.slice(0, 255)),
            ...(found.problem === undefined ? {} : { problem: found.problem }),
          },
          findings: [finding(arcResult, found)],
        })
      },
    }
  },
})
