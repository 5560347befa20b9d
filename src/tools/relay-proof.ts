/**
 * Why this gateway is no open relay: each entry that vouches, for whom, and under which conditions. Nobody's silence is
 * consent, so a recipient is accepted only where one of these says yes; what is not in the list cannot be.
 */
import { environmentOfRule } from '../config/client-environment.ts'
import type { Configuration } from '../config/configuration.ts'
import type { Generation } from '../filter/generation.ts'
import { errorMessage } from '../mail/errors.ts'
import { conditionList, type Conditions } from '../plugin/condition.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import type { Vouching } from '../plugin/plugin.ts'

export interface RelayProof {
  readonly entries: readonly VouchingEntry[]
  /** Rules of tcp.smtp that set a variable by which an entry vouches. */
  readonly rules: readonly RelayRule[]
  /** Where strangers may relay, or nothing is known of it. Empty: proven. */
  readonly holes: readonly Mistake[]
}

export interface VouchingEntry {
  readonly name: string
  readonly plugin: string
  readonly mode: 'enforce' | 'shadow'
  /** Absent where the plugin does not say. */
  readonly vouching?: Vouching | undefined
  /** Why it cannot say: a table of its that is damaged, for instance. */
  readonly silence?: string | undefined
  readonly when?: Conditions | undefined
  readonly unless?: Conditions | undefined
}

export interface RelayRule {
  /** As it is written in front of the colon; empty: everybody. */
  readonly clients: string
  readonly line?: number | undefined
  readonly variable: string
}

const mostRules = 10_000

export async function proveNoRelay(
  configuration: Configuration,
  generation: Generation,
): Promise<RelayProof> {
  const written = new Map(configuration.chain.map((entry) => [entry.name, entry]))
  const vouching = generation.entries.filter(({ vouches }) => vouches)
  const entries: VouchingEntry[] = []
  for (const { name, plugin, shadow, instance } of vouching) {
    const { when, unless } = written.get(name) ?? {}
    entries.push({
      name,
      plugin,
      mode: shadow ? 'shadow' : 'enforce',
      ...(await saidBy(instance)),
      when,
      unless,
    })
  }
  const variables = new Set(
    entries.flatMap((entry) => (entry.mode === 'enforce' ? (entry.vouching?.variable ?? []) : [])),
  )
  const rules = relayRules(configuration, variables)
  const holes = entries.flatMap((entry) => {
    const place = written.get(entry.name)?.place
    if (entry.mode === 'shadow' || place === undefined || isForKnown(entry)) return []
    return holesOf(entry).map((hole) => mistakeAt(place, [], { ...hole, code: 'open-relay' }))
  })
  return { entries, rules, holes: [...holes, ...rules.flatMap(holeOfRule(configuration))] }
}

/** What is damaged is a fault of the entry while mail comes, and no reason to know nothing of all the others. */
async function saidBy(
  instance: Generation['entries'][number]['instance'],
): Promise<Pick<VouchingEntry, 'vouching' | 'silence'>> {
  try {
    return { vouching: await instance.vouching?.() }
  } catch (error) {
    return { silence: errorMessage(error) }
  }
}

/** It is asked only about those who have logged in, or may relay by a rule. */
function isForKnown({ when }: VouchingEntry): boolean {
  const conditions = conditionList(when)
  return (
    conditions.length > 0 &&
    conditions.every((each) => each.authenticated === true || each.relay_client === true)
  )
}

type Hole = Pick<Mistake, 'problem' | 'remedy'>

function holesOf({ name, vouching, silence, plugin }: VouchingEntry): readonly Hole[] {
  if (silence !== undefined) {
    const problem = `${name} cannot say for whom it vouches: ${silence}`
    return [{ problem, remedy: 'mend what the problem names' }]
  }
  if (vouching === undefined) {
    return [
      {
        problem: `${name} may vouch for anybody: the plugin ${plugin} does not say for whom`,
        remedy: 'give the plugin vouching(), or ask it only when: { authenticated: true }',
      },
    ]
  }
  const { domains = [], networks = [] } = vouching
  return [
    ...domains.filter(isMuch).map((domain) => ({
      problem: `${name} vouches for every domain below ${domain}`,
      remedy: 'list the domains that are yours',
    })),
    ...networks.filter(isEverybody).map((network) => ({
      problem: `${name} lets everybody relay: ${network}`,
      remedy: 'name the networks that are yours',
    })),
  ]
}

/** `.org`: nobody has all of it. */
function isMuch(domain: string): boolean {
  return domain.startsWith('.') && !domain.slice(1).includes('.')
}

/** Half of the world is not one's own either. */
export function isEverybody(network: string): boolean {
  const [, prefix] = /\/(\d+)$/.exec(network) ?? []
  return prefix !== undefined && Number(prefix) < 7
}

function relayRules(
  { tcpRules, tcpRulesFile }: Configuration,
  variables: ReadonlySet<string>,
): readonly RelayRule[] {
  const found: RelayRule[] = []
  let looked = 0
  for (const rule of tcpRules.all()) {
    if (++looked > mostRules) break
    if (rule.action === 'deny') continue
    const environment = environmentOfRule(rule, tcpRulesFile)
    const variable = [...variables].find((name) => environment.variables.has(name))
    const { key, line } = rule.rule
    if (variable !== undefined) found.push({ clients: key, line, variable })
  }
  return found
}

/** Rules for everybody, for a top-level domain, or for whoever has any name; `10.` and `127.` are nobody else's. */
function holeOfRule({ tcpRulesFile }: Configuration): (rule: RelayRule) => readonly Mistake[] {
  return ({ clients, line, variable }) => {
    const isOpen =
      clients === '' ||
      /^=\.?[^.]*$/.test(clients) ||
      (/^\d{1,3}\.$/.test(clients) && clients !== '10.' && clients !== '127.')
    if (!isOpen) return []
    const whom = clients === '' ? 'everybody' : clients
    return [
      {
        file: tcpRulesFile,
        ...(line === undefined ? {} : { line }),
        problem: `sets ${variable} for ${whom}: strangers may relay`,
        remedy: 'name the addresses and networks that are yours',
        code: 'open-relay',
      },
    ]
  }
}
