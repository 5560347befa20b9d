/**
 * Variables that rules of tcp.smtp set and nobody reads: a slip of the hand, or an entry that is not there, switches nothing
 * on, and whoever wrote the rule counts on it. Where programs are run, which may read any variable, of the unknown ones only
 * those that are nearly one of ours are doubtful.
 */
import { variableFamilies } from '../config/other-variables.ts'
import type { Configuration, EntryConfiguration } from '../config/configuration.ts'
import type { TcpRule } from '../formats/tcprules-lookup.ts'
import { conditionList } from '../plugin/condition.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { nearest } from '../plugin/nearest.ts'
import type { ListedVariable, VariableReader } from './environment-table.ts'

/** A cdb may hold millions of rules, most of them alike. */
const mostRules = 10_000
const mostDoubts = 50
const runPrograms = new Set(['checkpassword', 'external', 'qmail-queue', 'rcptcheck'])

type Chain = readonly EntryConfiguration[]
type Known = ReadonlyMap<string, readonly VariableReader[]>
type Said = Pick<Mistake, 'problem' | 'remedy'>

interface SetVariable {
  /** Of the first rule that sets it to something, else of the first that sets it. */
  readonly line: number | undefined
  /** What is empty or 0 turns something off. */
  readonly isOff: boolean
}

/** Each variable once. @param listed all that we know, with those who read them: asked only where a rule sets any */
export async function variableDoubts(
  { tcpRules, tcpRulesFile, chain }: Pick<Configuration, 'tcpRules' | 'tcpRulesFile' | 'chain'>,
  listed: () => Promise<readonly Pick<ListedVariable, 'name' | 'readers'>[]>,
): Promise<readonly Mistake[]> {
  const set = variablesOf(tcpRules.all())
  for (const name of chain.flatMap(namesInConditions)) set.delete(name)
  if (set.size === 0) return []
  const known = new Map((await listed()).map(({ name, readers }) => [name, readers]))
  const doubts = [...set].flatMap(([name, { line, isOff }]) => {
    const readers = known.get(withoutFamily(name))
    const said =
      readers === undefined
        ? unknown(name, known, chain)
        : isOff || name === 'RELAYCLIENT' // the business of the relay rules
          ? undefined
          : idle(name, readers, chain)
    return said === undefined
      ? []
      : [{ file: tcpRulesFile, ...(line === undefined ? {} : { line }), ...said }]
  })
  return doubts.slice(0, mostDoubts)
}

function variablesOf(rules: Iterable<TcpRule>): Map<string, SetVariable> {
  const set = new Map<string, SetVariable>()
  let looked = 0
  for (const { rule, environment } of rules) {
    looked += 1
    if (looked > mostRules) break
    for (const [name, value] of environment) {
      const isOff = value === '' || value === '0'
      const before = set.get(name)
      if (before === undefined || (before.isOff && !isOff))
        set.set(name, { line: rule.line, isOff })
    }
  }
  return set
}

/** Of a name that is none of ours. */
function unknown(name: string, known: Known, chain: Chain): Said | undefined {
  const meant = nearest(withoutFamily(name), known.keys(), 1)
  const isOurs = chain.every(({ plugin, mode }) => mode === 'off' || !runPrograms.has(plugin))
  if (meant === undefined && !isOurs) return undefined
  const remedy =
    meant === undefined
      ? 'take it away, or write one that postern env lists'
      : `did you mean ${meant}?`
  return { problem: `nobody reads the variable ${JSON.stringify(name)}`, remedy }
}

/** Of a variable that only plugins read which no entry that is on has. The receiver and the listeners are always there. */
function idle(name: string, readers: readonly VariableReader[], chain: Chain): Said | undefined {
  if (readers.length === 0) return undefined
  if (readers.some(({ entries }) => entries === undefined || entries.length > 0)) return undefined
  const plugins = [...new Set(readers.map(({ by }) => by))]
  const off = chain.find(({ plugin }) => plugins.includes(plugin))
  const remedy =
    off === undefined
      ? `add it to the chain (- plugin: ${plugins[0]}), or take the variable away`
      : `postern enable ${off.name}, or take the variable away`
  const problem = `${name} is set, which only ${plugins.join(' and ')} would read, and no entry that is on does`
  return { problem, remedy }
}

/** `environment: [NAME, NAME=value]` of an entry. */
function namesInConditions({ when, unless }: EntryConfiguration): readonly string[] {
  return [when, unless].flatMap(conditionList).flatMap(({ environment = [] }) => {
    return environment.map((wanted) => wanted.split('=', 1)[0] ?? '')
  })
}

/** `AUTH_SET_MAXRCPT` sets MAXRCPT. */
function withoutFamily(name: string): string {
  const family = [...variableFamilies.keys()].find((each) => name.startsWith(each))
  return family === undefined ? name : name.slice(family.length)
}
