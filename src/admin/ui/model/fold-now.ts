/** What is happening, as series for the chart and as sums. */
import type { Now, Slice } from '../../schemas/system.ts'

export type Kind = 'accepted' | 'deferred' | 'refused' | 'held'

export const kinds: readonly Kind[] = ['accepted', 'deferred', 'refused', 'held']

export interface Series {
  /** Seconds since 1970, as uPlot wants them. */
  readonly at: readonly number[]
  /** Per second. */
  readonly rates: Readonly<Record<Kind, readonly number[]>>
}

export function seriesOf({ slices, sliceMs }: Now): Series {
  const perSecond = (kind: Kind): readonly number[] =>
    slices.map((slice) => countOf(slice, kind) / (sliceMs / 1000))
  return {
    at: slices.map(({ at }) => at / 1000),
    rates: {
      accepted: perSecond('accepted'),
      deferred: perSecond('deferred'),
      refused: perSecond('refused'),
      held: perSecond('held'),
    },
  }
}

export interface Sums {
  readonly counts: Readonly<Record<Kind, number>>
  /** Of the newest whole slice, per second. */
  readonly rates: Readonly<Record<Kind, number>>
  readonly spanMs: number
}

export function sumsOf({ slices, sliceMs }: Now): Sums {
  // The last slice is still being filled.
  const newest = slices.at(-2) ?? slices.at(-1)
  const count = (kind: Kind): number => slices.reduce((sum, slice) => sum + countOf(slice, kind), 0)
  const rate = (kind: Kind): number =>
    newest === undefined ? 0 : countOf(newest, kind) / (sliceMs / 1000)
  return {
    counts: {
      accepted: count('accepted'),
      deferred: count('deferred'),
      refused: count('refused'),
      held: count('held'),
    },
    rates: {
      accepted: rate('accepted'),
      deferred: rate('deferred'),
      refused: rate('refused'),
      held: rate('held'),
    },
    spanMs: slices.length * sliceMs,
  }
}

function countOf(slice: Slice, kind: Kind): number {
  // Who was told 250 was told 250: what is discarded was accepted, too.
  if (kind === 'accepted') return slice.accepted + slice.discarded
  return kind === 'held' ? slice.quarantined : slice[kind]
}
