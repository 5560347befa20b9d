/**
 * What rules of tcp.smtp set and no option understands: a client of that rule would meet a fault of the entry, or be told
 * to come back later. Found before it comes.
 */
import { environmentOfRule } from '../config/client-environment.ts'
import type { Configuration } from '../config/configuration.ts'
import type { Generation } from '../filter/generation.ts'
import type { FilterPolicyParts } from '../filter/policy.ts'
import type { TcpRule } from '../formats/tcprules-lookup.ts'
import type { Environment } from '../mail/environment.ts'
import type { Mistake } from '../plugin/mistake.ts'

/** A cdb may hold millions of rules, most of them alike. */
const mostRules = 10_000
const mostDoubts = 50

type Listeners = readonly Pick<
  Configuration['listeners'][number],
  'name' | 'identMs' | 'handOver'
>[]
type Judges = Pick<Generation, 'entries' | 'settingsOf'>

export function ruleDoubts(
  {
    tcpRules,
    tcpRulesFile,
    listeners,
  }: Pick<Configuration, 'tcpRules' | 'tcpRulesFile'> & { readonly listeners: Listeners },
  generation: Judges,
  tlsProblem?: FilterPolicyParts['tlsProblem'],
): readonly Mistake[] {
  const doubts: Mistake[] = []
  const isIdentKnown = listeners.some(({ identMs, handOver }) => identMs !== undefined || handOver)
  let looked = 0
  for (const rule of tcpRules.all()) {
    looked += 1
    if (looked > mostRules || doubts.length >= mostDoubts) break
    if (!isIdentKnown && rule.rule.key.includes('@')) doubts.push(unheard(rule, tcpRulesFile))
    const environment = environmentOfRule(rule, tcpRulesFile)
    for (const problem of problemsOf(environment, { generation, listeners, tlsProblem })) {
      doubts.push(doubt(rule, problem, tcpRulesFile))
    }
  }
  return doubts
}

/** Each variable once, however many entries read it. */
function problemsOf(
  environment: Environment,
  {
    generation,
    listeners,
    tlsProblem,
  }: {
    readonly generation: Judges
    readonly listeners: Listeners
    readonly tlsProblem: FilterPolicyParts['tlsProblem']
  },
): ReadonlySet<string> {
  if (environment.variables.size === 0) return new Set()
  const entries = generation.entries.map(({ optionsFor }) => optionsFor(environment))
  const receivers = listeners.map(({ name }) => generation.settingsOf(name, environment))
  const ofTls = listeners.flatMap(({ name }) => {
    const { tls } = generation.settingsOf(name, environment).settings
    return (tls === undefined ? undefined : tlsProblem?.(name, tls)) ?? []
  })
  const others = [...entries, ...receivers].flatMap((each) => (each.ok ? [] : [each.problem]))
  return new Set([...others, ...ofTls])
}

/** Its client is another one than it says: whoever it lets in stays out, and whoever it denies comes in. */
function unheard({ rule: { key, line } }: TcpRule, file: string): Mistake {
  const problem = `'${key}' matches nobody: no listener asks by ident whose connection it is`
  const remedy = 'write ident: 10s at the listener, or take the rule away'
  return { file, ...(line === undefined ? {} : { line }), problem, remedy }
}

/** The problem names rule and line itself, for the log; here they stand in front. */
function doubt({ rule: { line } }: TcpRule, problem: string, file: string): Mistake {
  const said = problem.replace(` of ${file}${line === undefined ? '' : `:${line}`}`, '')
  const remedy = 'postern env says what the variable may be'
  return { file, ...(line === undefined ? {} : { line }), problem: said, remedy }
}
