/**
 * Certificates that rules of tcp.smtp name are read before their first client comes: one that is renewed badly later then has
 * one before it, which is shown.
 */
import { environmentOfRule } from '../config/client-environment.ts'
import type { Configuration } from '../config/configuration.ts'
import { clientTlsOptions } from '../filter/client-tls.ts'
import type { Environment } from '../mail/environment.ts'

/** A cdb may hold millions of rules. */
const mostRules = 10_000

export function readRuleCertificates(
  {
    tcpRules,
    tcpRulesFile,
    listeners,
  }: Pick<Configuration, 'tcpRules' | 'tcpRulesFile'> & {
    readonly listeners: readonly Pick<Configuration['listeners'][number], 'name' | 'tls'>[]
  },
  settingsOf: (listener: string, environment: Environment) => unknown,
): void {
  const variable = clientTlsOptions.tls_certificate.env
  const listener = listeners.find(({ tls }) => tls !== undefined)
  if (variable === undefined || listener === undefined) return
  let looked = 0
  for (const rule of tcpRules.all()) {
    if (++looked > mostRules) return
    if (rule.environment.has(variable)) {
      settingsOf(listener.name, environmentOfRule(rule, tcpRulesFile))
    }
  }
}
