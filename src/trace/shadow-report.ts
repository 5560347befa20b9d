/**
 * What entries in shadow mode would have done, gathered over a time. Each transaction counts once for each entry and reason,
 * whatever it took part in; what the enforced chain made of the same mail stands beside it.
 */
import { isObjection, packShadows, shadowFate, type ShadowSaying } from '../filter/shadows.ts'
import type { Trace } from '../filter/trace-reader.ts'

/** What one entry would have done for one reason. */
export interface ShadowReason {
  /** `reject`, `defer`, `quarantine`, `discard`, `accept`, `score`, or `fault`: it could not say. */
  readonly would: string
  /** Of the verdict; its status where it gave none, the kind of the fault where it could not say. */
  readonly reason: string
  /** Transactions, or connections that came to none. */
  readonly count: number
  /** Of them: taken by the enforced chain all the same, refused by it, given up by the client. */
  readonly accepted: number
  readonly refused: number
  readonly givenUp: number
  /** Ids of the newest. */
  readonly examples: readonly string[]
}

export interface ShadowedEntry {
  readonly entry: string
  readonly plugin: string
  /** Transactions in which it was asked. */
  readonly asked: number
  /** In which it had something to say that would have counted. */
  readonly objected: number
  /** Most frequent first. */
  readonly reasons: readonly ShadowReason[]
}

type Open<T> = { -readonly [K in keyof T]: T[K] }
type Counted = Open<Omit<ShadowReason, 'examples'>> & { readonly examples: string[] }
type Gathered = Open<Omit<ShadowedEntry, 'reasons'>> & { readonly reasons: Map<string, Counted> }

/** Beyond them, reasons of one entry are counted together. */
export const mostReasons = 100
const otherReasons = 'OTHERS'

export class ShadowReport {
  readonly #examples: number
  readonly #entries = new Map<string, Gathered>()

  /** @param examples ids that are kept of each reason */
  constructor(examples: number) {
    this.#examples = examples
  }

  /** One transaction, by its steps. */
  add({ id, end, recipients, steps }: Trace): void {
    const accepted = recipients.map((recipient) => recipient.accepted)
    const shadows = steps.filter(({ mode, kind }) => mode === 'shadow' && kind === 'asked')
    const packed = packShadows(
      shadows.map(({ entry, round, details, fault }) => {
        return { entry, round, verdict: details, fault: fault?.kind }
      }),
      (round) => shadowFate({ end, accepted }, round),
    )
    const plugins = new Map(shadows.map(({ entry, plugin }) => [entry, plugin]))
    for (const [entry, ...sayings] of packed) {
      this.asked({ entry, plugin: plugins.get(entry) ?? entry }, 1)
      this.objected(entry, sayings.some(isObjection) ? 1 : 0)
      for (const saying of sayings) this.said(entry, saying, { count: 1, ids: [id] })
    }
  }

  /** So many transactions in which it was asked. */
  asked({ entry, plugin }: Pick<ShadowedEntry, 'entry' | 'plugin'>, count: number): void {
    const known = this.#entries.get(entry)
    if (known !== undefined) known.asked += count
    else this.#entries.set(entry, { entry, plugin, asked: count, objected: 0, reasons: new Map() })
  }

  /** Of those in which it was asked. */
  objected(entry: string, count: number): void {
    const gathered = this.#entries.get(entry)
    if (gathered !== undefined) gathered.objected += count
  }

  /** @param ids of some of those transactions, the newest first */
  said(
    entry: string,
    [would, reason, fate]: ShadowSaying,
    { count, ids }: { readonly count: number; readonly ids: readonly string[] },
  ): void {
    const reasons = this.#entries.get(entry)?.reasons
    if (reasons === undefined) return
    const named = `${would}\0${reason}`
    const key = reasons.has(named) || reasons.size < mostReasons ? named : `${would}\0`
    const counted = reasons.get(key) ?? {
      would,
      reason: key === named ? reason : otherReasons,
      count: 0,
      accepted: 0,
      refused: 0,
      givenUp: 0,
      examples: [],
    }
    reasons.set(key, counted)
    counted.count += count
    counted[fate] += count
    counted.examples.push(...ids.slice(0, this.#examples - counted.examples.length))
  }

  /** By name. */
  get entries(): readonly ShadowedEntry[] {
    return [...this.#entries.values()]
      .toSorted((a, b) => (a.entry < b.entry ? -1 : 1))
      .map(({ reasons, ...rest }) => ({
        ...rest,
        reasons: [...reasons.values()].toSorted((a, b) => b.count - a.count),
      }))
  }
}
