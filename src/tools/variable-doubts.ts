/**
 * Variables that rules of tcp.smtp set and nobody reads: a slip of the hand switches nothing on, and nothing says so. Where
 * programs are run, which may read any variable, only those that are nearly one of ours are doubtful.
 */
import { variableFamilies } from '../config/other-variables.ts'
import type { Configuration, EntryConfiguration } from '../config/configuration.ts'
import type { TcpRule } from '../formats/tcprules-lookup.ts'
import { conditionList } from '../plugin/condition.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { nearest } from '../plugin/nearest.ts'

/** A cdb may hold millions of rules, most of them alike. */
const mostRules = 10_000
const mostDoubts = 50
const runPrograms = new Set(['checkpassword', 'external', 'qmail-queue', 'rcptcheck'])

/** Each variable once, at the first rule that sets it. @param listed those that somebody reads */
export async function variableDoubts(
  configuration: Pick<Configuration, 'tcpRules' | 'tcpRulesFile' | 'chain'>,
  listed: () => Promise<readonly { readonly name: string }[]>,
): Promise<readonly Mistake[]> {
  const { tcpRules, tcpRulesFile, chain } = configuration
  const set = namesSet(tcpRules.all())
  if (set.size === 0) return []
  const known = new Set((await listed()).map(({ name }) => name))
  for (const name of chain.flatMap(namesInConditions)) known.add(name)
  const isOurs = chain.every(({ plugin, mode }) => mode === 'off' || !runPrograms.has(plugin))
  const doubts = [...set].flatMap(
    ([
      name,
      {
        rule: { line },
      },
    ]): readonly Mistake[] => {
      const own = withoutFamily(name)
      if (known.has(own)) return []
      const meant = nearest(own, known, 1)
      if (meant === undefined && !isOurs) return []
      const remedy =
        meant === undefined
          ? 'take it away, or write one that postern env lists'
          : `did you mean ${meant}?`
      const where = { file: tcpRulesFile, ...(line === undefined ? {} : { line }) }
      return [{ ...where, problem: `nobody reads the variable ${JSON.stringify(name)}`, remedy }]
    },
  )
  return doubts.slice(0, mostDoubts)
}

function namesSet(rules: Iterable<TcpRule>): ReadonlyMap<string, TcpRule> {
  const set = new Map<string, TcpRule>()
  let looked = 0
  for (const rule of rules) {
    looked += 1
    if (looked > mostRules) break
    for (const name of rule.environment.keys()) if (!set.has(name)) set.set(name, rule)
  }
  return set
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
