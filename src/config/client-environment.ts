/** What tcp.smtp says of a client: its environment, or that it is not to be served. */
import { findTcpRule, type TcpRule, type TcpRules } from '../formats/tcprules-lookup.ts'
import { emptyEnvironment, type Environment } from '../mail/environment.ts'

export interface ClientEnvironment {
  readonly environment: Environment
  readonly denied: boolean
}

const unruled: ClientEnvironment = { environment: emptyEnvironment, denied: false }

/**
 * Clients that one rule matches share one environment, so that what is resolved for it is resolved once.
 * @param shownAs how the rules' source is named: `config/tcp.smtp`
 */
export function clientEnvironments(
  rules: TcpRules,
  shownAs: string,
): (client: { readonly address: string }) => ClientEnvironment {
  const byRule = new WeakMap<TcpRule, ClientEnvironment>()
  return ({ address }) => {
    const rule = findTcpRule(rules, { ip: address })
    if (rule === undefined) return unruled
    const known = byRule.get(rule)
    if (known !== undefined) return known
    const { key, line } = rule.rule
    const place = line === undefined ? shownAs : `${shownAs}:${line}`
    const found = {
      environment: {
        variables: rule.environment,
        source: `${place} (${key === '' ? 'everybody' : key})`,
      },
      denied: rule.action === 'deny',
    }
    byRule.set(rule, found)
    return found
  }
}
