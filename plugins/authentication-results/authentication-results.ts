/**
 * Writes what was found about the sender into one Authentication-Results field by our name (RFC 8601). Fields that came
 * with the message and claim that name are removed by the receiver, whether this stands in the chain or not.
 */
import { definePlugin, finding, option, pass } from 'postern/plugin'
import { arcResult } from '../arc/findings.ts'
import { dkimResult } from '../dkim/findings.ts'
import { dmarcResult } from '../dmarc/findings.ts'
import { asciiName } from '../shared/mailauth/ascii-names.ts'
import { formatResults } from '../shared/mailauth/write-results.ts'
import { spfResult } from '../spf/findings.ts'
import { probeDns } from '../shared/dns-probe/probe-dns.ts'
import { iprevResult } from './findings.ts'
import { iprev } from './iprev.ts'
import { resultsOf } from './results.ts'

export const authenticationResults = definePlugin({
  name: 'authentication-results',
  summary: 'Writes one Authentication-Results field of all that was found.',
  defaults: { onFault: 'pass' },
  wants: [spfResult, dkimResult, arcResult, dmarcResult, iprevResult],
  provides: [iprevResult],
  options: {
    iprev: option.boolean({
      default: true,
      description: 'Whether the client’s address has a name that has this address.',
    }),
    reveal_login: option.boolean({
      default: false,
      description: 'Recipients may read the name that the sender logs in by.',
    }),
  },
  setup: (usual, { dns }) => ({
    ...(usual.iprev ? { probe: (signal: AbortSignal) => probeDns(dns, signal) } : {}),
    async message({ transaction }, { options, findings, signal }) {
      const { session, reversePath } = transaction
      const { user, remote } = session
      const asked = options.iprev && user === undefined
      const byName =
        findings.get(iprevResult) ?? (asked ? await iprev(dns, remote.address, signal) : undefined)
      const results = resultsOf({
        address: remote.address,
        reversePath,
        login: user === undefined ? undefined : { user, reveal: options.reveal_login },
        iprev: byName,
        spf: findings.get(spfResult),
        dkim: findings.get(dkimResult),
        arc: findings.get(arcResult),
        dmarc: findings.get(dmarcResult),
      })
      const value = formatResults(asciiName(session.hostname), results)
      return pass({
        headerEdits: [{ edit: 'prepend', name: 'Authentication-Results', value }],
        ...(byName === undefined ? {} : { findings: [finding(iprevResult, byName)] }),
      })
    },
  }),
})
