/** What tcp.smtp says of a client: its environment, or that it is not to be served. */
import { findTcpRule, type TcpRule, type TcpRules } from '../formats/tcprules-lookup.ts'
import { emptyEnvironment, type Environment } from '../mail/environment.ts'

/** Whom a rule is looked for. */
export interface ClientToRule {
  readonly address: string
  /** Its name by DNS, where somebody has looked it up. */
  readonly host?: string | undefined
  /** What ident says of it. */
  readonly info?: string | undefined
}

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
): (client: ClientToRule) => ClientEnvironment {
  const byRule = new WeakMap<TcpRule, ClientEnvironment>()
  return ({ address, host, info }) => {
    const rule = findTcpRule(rules, { ip: address, host, info })
    if (rule === undefined) return unruled
    const known = byRule.get(rule)
    if (known !== undefined) return known
    const found = {
      environment: environmentOfRule(rule, shownAs),
      denied: rule.action === 'deny',
    }
    byRule.set(rule, found)
    return found
  }
}

export function environmentOfRule(
  { rule: { key, line }, environment }: TcpRule,
  shownAs: string,
): Environment {
  const place = line === undefined ? shownAs : `${shownAs}:${line}`
  return { variables: environment, source: `${place} (${key === '' ? 'everybody' : key})` }
}
