/**
 * What rules of tcp.smtp set and no option understands: a client of that rule would meet a fault of the entry, or be told
 * to come back later. Found before it comes.
 */
import { environmentOfRule } from '../config/client-environment.ts'
import type { Configuration } from '../config/configuration.ts'
import type { Generation } from '../filter/generation.ts'
import type { TcpRule } from '../formats/tcprules-lookup.ts'
import type { Environment } from '../mail/environment.ts'
import type { Mistake } from '../plugin/mistake.ts'

/** A cdb may hold millions of rules, most of them alike. */
const mostRules = 10_000
const mostDoubts = 50

export function ruleDoubts(
  { tcpRules, tcpRulesFile, listeners }: Configuration,
  generation: Generation,
): readonly Mistake[] {
  const doubts: Mistake[] = []
  let looked = 0
  for (const rule of tcpRules.all()) {
    looked += 1
    if (looked > mostRules || doubts.length >= mostDoubts) break
    const environment = environmentOfRule(rule, tcpRulesFile)
    for (const problem of problemsOf(environment, { generation, listeners })) {
      doubts.push(doubt(rule, problem, tcpRulesFile))
    }
  }
  return doubts
}

/** Each variable once, however many entries read it. */
function problemsOf(
  environment: Environment,
  { generation, listeners }: Pick<Configuration, 'listeners'> & { readonly generation: Generation },
): ReadonlySet<string> {
  if (environment.variables.size === 0) return new Set()
  const entries = generation.entries.map(({ optionsFor }) => optionsFor(environment))
  const receivers = listeners.map(({ name }) => generation.settingsOf(name, environment))
  return new Set([...entries, ...receivers].flatMap((each) => (each.ok ? [] : [each.problem])))
}

/** The problem names rule and line itself, for the log; here they stand in front. */
function doubt({ rule: { line } }: TcpRule, problem: string, file: string): Mistake {
  const said = problem.replace(` of ${file}${line === undefined ? '' : `:${line}`}`, '')
  const remedy = 'postern env says what the variable may be'
  return { file, ...(line === undefined ? {} : { line }), problem: said, remedy }
}
