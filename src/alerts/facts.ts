/** The numbers of a gateway, as questions about it want them. */
import type { Instant } from '../mail/instant.ts'
import { processMetrics } from '../runtime/metrics/inventory.ts'
import type { MetricLabels } from '../runtime/metrics/metrics.ts'
import type { MetricsSnapshot } from '../runtime/metrics/snapshot.ts'

type Sample = { readonly labels: MetricLabels; readonly value: number }

export class Facts {
  readonly #snapshot: MetricsSnapshot

  constructor(snapshot: MetricsSnapshot) {
    this.#snapshot = snapshot
  }

  get now(): Instant {
    return this.#snapshot.at
  }

  /** How many answer, and how many there should be. */
  get workers(): { readonly there: number; readonly wanted: number } {
    const wanted = this.one(processMetrics.workersWanted) ?? 0
    return { there: this.one(processMetrics.workers) ?? wanted, wanted }
  }

  /** Whether all workers answer: the sum of some is no sum. */
  get areWhole(): boolean {
    const { there, wanted } = this.workers
    return there >= wanted
  }

  all({ name }: { readonly name: string }): readonly Sample[] {
    return this.matching((each) => each === name)
  }

  matching(isMeant: (name: string) => boolean): readonly Sample[] {
    return this.#snapshot.metrics
      .filter(({ name }) => isMeant(name))
      .flatMap(({ labels: names, series }) =>
        series.flatMap((each) => {
          if (!('value' in each)) return []
          const labels = Object.fromEntries(names.map((name, at) => [name, each.labels[at] ?? '']))
          return [{ labels, value: each.value }]
        }),
      )
  }

  /** Undefined where nobody reported it. */
  one(metric: { readonly name: string }, labels: MetricLabels = {}): number | undefined {
    const wanted = Object.entries(labels)
    return this.all(metric).find((each) =>
      wanted.every(([name, value]) => each.labels[name] === value),
    )?.value
  }
}
