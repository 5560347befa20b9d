/**
 * What entries in shadow mode would have done, gathered from the explanations of a time. Each transaction counts once
 * for each entry and reason, whatever it took part in; what the enforced chain made of the same mail stands beside it.
 */
import type { Trace, TracedStep } from '../filter/trace-reader.ts'

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
const mostReasons = 100
const otherReasons = 'OTHERS'

export class ShadowReport {
  readonly #examples: number
  readonly #entries = new Map<string, Gathered>()

  /** @param examples ids that are kept of each reason */
  constructor(examples: number) {
    this.#examples = examples
  }

  add(trace: Trace): void {
    const steps = trace.steps.filter(({ mode, kind }) => mode === 'shadow' && kind === 'asked')
    const seen = new Set<string>()
    for (const step of steps) {
      const gathered = this.#entryOf(step)
      if (!seen.has(step.entry)) gathered.asked += 1
      seen.add(step.entry)
      const said = sayingOf(step)
      if (said === undefined) continue
      const objected = `${step.entry}\0`
      if (!seen.has(objected) && said.would !== 'fault') gathered.objected += 1
      if (said.would !== 'fault') seen.add(objected)
      const key = `${step.entry}\0${said.would}\0${said.reason}`
      if (!seen.has(key)) this.#count(gathered, said, { trace, step })
      seen.add(key)
    }
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

  #entryOf({ entry, plugin }: TracedStep): Gathered {
    const known = this.#entries.get(entry)
    if (known !== undefined) return known
    const made: Gathered = { entry, plugin, asked: 0, objected: 0, reasons: new Map() }
    this.#entries.set(entry, made)
    return made
  }

  #count(
    { reasons }: Gathered,
    { would, reason }: Saying,
    { trace, step }: { readonly trace: Trace; readonly step: TracedStep },
  ): void {
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
    counted.count += 1
    counted[fateOf(trace, step)] += 1
    if (counted.examples.length < this.#examples) counted.examples.push(trace.id)
  }
}

interface Saying {
  readonly would: string
  readonly reason: string
}

/** @returns undefined where it had nothing to say that would have counted */
function sayingOf({ verdict, fault, details }: TracedStep): Saying | undefined {
  if (fault !== undefined) {
    return fault.kind === 'aborted' ? undefined : { would: 'fault', reason: fault.kind }
  }
  const { reason, status, score } = details
  const why = typeof reason === 'string' ? reason : typeof status === 'string' ? status : ''
  if (verdict !== 'pass') return { would: verdict, reason: why }
  return typeof score === 'number' && score !== 0 ? { would: 'score', reason: why } : undefined
}

/** What became of the mail that a step was about. */
function fateOf(
  { end, recipients }: Trace,
  { round }: TracedStep,
): 'accepted' | 'refused' | 'givenUp' {
  if (round > 0 && recipients[round - 1]?.accepted === false) return 'refused'
  if (end === 'committed') return 'accepted'
  return end === 'refused' ||
    (recipients.length > 0 && recipients.every(({ accepted }) => !accepted))
    ? 'refused'
    : 'givenUp'
}
