/**
 * Variables that rules of tcp.smtp set for a plugin that no entry of the chain has: whoever wrote the rule counts on what is
 * not done.
 */
import type { Configuration } from '../config/configuration.ts'
import type { TcpRule } from '../formats/tcprules-lookup.ts'
import { conditionList } from '../plugin/condition.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { listVariables, type VariableReader } from './environment-table.ts'

/** A cdb may hold millions of rules, most of them alike. */
const mostRules = 10_000

/** Each variable once, at the first rule that sets it to something. Loads all plugins where there is one to ask about. */
export async function unreadVariables(configuration: Configuration): Promise<readonly Mistake[]> {
  const set = variablesOfRules(configuration)
  for (const name of conditionsOf(configuration)) set.delete(name)
  if (set.size === 0) return []
  const listed = await listVariables(configuration)
  return listed.flatMap(({ name, readers }) => {
    const rule = set.get(name)
    if (rule === undefined || readers.length === 0 || readers.some(isAsked)) return []
    return [doubt(name, { rule, readers, configuration })]
  })
}

/** What is empty or 0 turns something off, which is not there. RELAYCLIENT is the business of the relay rules. */
function variablesOfRules({ tcpRules }: Configuration): Map<string, TcpRule['rule']> {
  const found = new Map<string, TcpRule['rule']>()
  let looked = 0
  for (const rule of tcpRules.all()) {
    looked += 1
    if (looked > mostRules) break
    for (const [name, value] of rule.environment) {
      const isOff = value === '' || value === '0' || name === 'RELAYCLIENT'
      if (!isOff && !found.has(name)) found.set(name, rule.rule)
    }
  }
  return found
}

/** What `when` and `unless` of entries ask about. */
function conditionsOf({ chain }: Configuration): readonly string[] {
  return chain
    .flatMap(({ when, unless }) => [...conditionList(when), ...conditionList(unless)])
    .flatMap(({ environment = [] }) => environment.map((wanted) => wanted.replace(/=[^]*$/, '')))
}

/** The receiver and the listeners are always there. */
function isAsked({ entries }: VariableReader): boolean {
  return entries === undefined || entries.length > 0
}

function doubt(
  name: string,
  {
    rule: { line },
    readers,
    configuration: { chain, tcpRulesFile },
  }: {
    readonly rule: TcpRule['rule']
    readonly readers: readonly VariableReader[]
    readonly configuration: Configuration
  },
): Mistake {
  const plugins = [...new Set(readers.map(({ by }) => by))]
  const off = chain.find(({ plugin }) => plugins.includes(plugin))
  const remedy =
    off === undefined
      ? `add it to the chain (- plugin: ${plugins[0]}), or take the variable away`
      : `postern enable ${off.name}, or take the variable away`
  const problem = `${name} is set, which only ${plugins.join(' and ')} would read, and no entry that is on does`
  return { file: tcpRulesFile, ...(line === undefined ? {} : { line }), problem, remedy }
}
