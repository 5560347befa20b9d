/** The certificates that options choose in place of the listeners': for everybody in the file, for some by rules of tcp.smtp. */
import { environmentOfRule } from '../config/client-environment.ts'
import type { Configuration } from '../config/configuration.ts'
import { clientTlsOptions } from '../filter/client-tls.ts'
import type { Generation } from '../filter/generation.ts'
import { emptyEnvironment, type Environment } from '../mail/environment.ts'
import type { TlsCertificate } from '../smtp/policy.ts'

/** A cdb may hold millions of rules, most of them alike. */
const mostRules = 10_000

const { env: variable = '' } = clientTlsOptions.tls_certificate

/** Each file once. */
export function chosenCertificates(
  {
    tcpRules,
    tcpRulesFile,
    listeners,
  }: Pick<Configuration, 'tcpRules' | 'tcpRulesFile'> & {
    readonly listeners: readonly Pick<Configuration['listeners'][number], 'name'>[]
  },
  { settingsOf }: Pick<Generation, 'settingsOf'>,
): readonly TlsCertificate[] {
  const found = new Map<string, TlsCertificate>()
  const gather = (environment: Environment): void => {
    for (const { name } of listeners) {
      const certificate = settingsOf(name, environment).settings.tls?.certificate
      if (certificate !== undefined) found.set(certificate.path, certificate)
    }
  }
  gather(emptyEnvironment)
  let looked = 0
  for (const rule of tcpRules.all()) {
    looked += 1
    if (looked > mostRules) break
    const environment = environmentOfRule(rule, tcpRulesFile)
    if (environment.variables.has(variable)) gather(environment)
  }
  return [...found.values()]
}
