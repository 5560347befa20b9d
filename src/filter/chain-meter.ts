/** What a generation is counted by. Handles are made once, so that a step of a session costs a few additions. */
import { chainMetrics } from '../runtime/metrics/inventory.ts'
import type { Counter, Histogram, Metrics } from '../runtime/metrics/metrics.ts'
import type { TransactionOutcome } from '../smtp/policy.ts'
import type { LoginEnd } from '../plugin/plugin.ts'
import type { AnyVerdict } from '../plugin/verdict.ts'
import { stageOf, type Place } from './entry.ts'
import type { FaultKind } from './fault.ts'
import type { Step } from './step.ts'

export class ChainMeter {
  readonly #metrics: Metrics
  readonly #places: readonly PlaceMeter[]
  readonly #ends = new Map<string, Map<TransactionOutcome['end'], Counter>>()

  /** @param places by number */
  constructor(metrics: Metrics, places: readonly Place[]) {
    this.#metrics = metrics
    this.#places = places.map((place) => new PlaceMeter(metrics, place))
  }

  asked(step: Step): void {
    this.#places[step.place.number]?.count(step)
  }

  /** @param listener a name of the configuration */
  ended(listener: string, outcome: TransactionOutcome['end']): void {
    const ends = this.#ends.get(listener) ?? new Map<TransactionOutcome['end'], Counter>()
    if (ends.size === 0) this.#ends.set(listener, ends)
    handle(ends, outcome, () =>
      this.#metrics.counter(chainMetrics.transactions, { listener, outcome }),
    ).add()
  }

  loggedIn({ mechanism, outcome }: Pick<LoginEnd, 'mechanism' | 'outcome'>): void {
    this.#metrics.counter(chainMetrics.logins, { mechanism, outcome }).add()
  }
}

/** One place of the chain: one question to one entry. */
class PlaceMeter {
  readonly #metrics: Metrics
  readonly #labels: { readonly entry: string; readonly stage: string }
  readonly #mode: string
  readonly #passes: Counter
  readonly #latency: Histogram
  readonly #verdicts = new Map<AnyVerdict['verdict'], Counter>()
  readonly #faults = new Map<FaultKind, Counter>()

  constructor(metrics: Metrics, { entry, question }: Place) {
    this.#metrics = metrics
    this.#labels = { entry: entry.name, stage: stageOf(question) }
    this.#mode = entry.shadow ? 'shadow' : 'enforce'
    this.#passes = this.#verdict('pass')
    this.#latency = metrics.histogram(chainMetrics.latency, this.#labels)
  }

  /** A fault counts as one, and as the verdict that `on_fault` makes of it. */
  count({ verdict: { verdict }, fault, durationMs }: Step): void {
    if (verdict === 'pass') this.#passes.add()
    else handle(this.#verdicts, verdict, () => this.#verdict(verdict)).add()
    if (fault !== undefined) this.#fault(fault.kind)
    this.#latency.observe(durationMs / 1000)
  }

  #fault(fault: FaultKind): void {
    const labels = { ...this.#labels, fault }
    handle(this.#faults, fault, () => this.#metrics.counter(chainMetrics.faults, labels)).add()
  }

  #verdict(verdict: AnyVerdict['verdict']): Counter {
    const labels = { ...this.#labels, mode: this.#mode, verdict }
    return this.#metrics.counter(chainMetrics.verdicts, labels)
  }
}

function handle<K>(known: Map<K, Counter>, key: K, make: () => Counter): Counter {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = make()
  known.set(key, made)
  return made
}
