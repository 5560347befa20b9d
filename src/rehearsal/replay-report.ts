/** What a replay came to: counts, and the first of each kind by name. */
import type { Trace } from '../filter/trace-reader.ts'
import type { Replayed, ReplayedRecipient } from './replayer.ts'
import { describe } from './replayed-verdict.ts'

export interface ReplayChange {
  readonly from: string
  readonly to: string
  /** Recipients; a connection without any counts as one. */
  readonly count: number
}

interface Named {
  readonly id: string
  readonly at: number
  readonly client: string
  readonly reversePath?: string
}

export interface ChangedTransaction extends Named {
  readonly recipients: readonly ReplayedRecipient[]
}

export interface ReplayCounts {
  readonly transactions: number
  readonly same: number
  readonly changed: number
  readonly notReplayable: number
  /** Most frequent first. */
  readonly changes: readonly ReplayChange[]
  /** The newest of them. */
  readonly list: readonly ChangedTransaction[]
  /** Why, most frequent first. */
  readonly reasons: readonly {
    readonly entry?: string
    readonly why: string
    readonly count: number
    readonly example: string
  }[]
}

/** Beyond them, kinds are counted together. */
const mostKinds = 1_000

interface Reason {
  readonly entry?: string
  readonly why: string
  count: number
  readonly example: string
}

export class ReplayReport {
  readonly #limit: number
  readonly #changes = new Map<string, { from: string; to: string; count: number }>()
  readonly #reasons = new Map<string, Reason>()
  readonly #list: ChangedTransaction[] = []
  #same = 0
  #changed = 0
  #notReplayable = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    return this.#same + this.#changed + this.#notReplayable
  }

  get counts(): ReplayCounts {
    const most = (a: { count: number }, b: { count: number }): number => b.count - a.count
    return {
      transactions: this.count,
      same: this.#same,
      changed: this.#changed,
      notReplayable: this.#notReplayable,
      changes: [...this.#changes.values()].toSorted(most),
      list: this.#list,
      reasons: [...this.#reasons.values()].toSorted(most),
    }
  }

  add(trace: Trace, replayed: Replayed): void {
    switch (replayed.outcome) {
      case 'same':
        this.#same += 1
        return
      case 'changed':
        this.#changed += 1
        for (const each of replayed.recipients) this.#countChange(each)
        if (this.#list.length < this.#limit) {
          this.#list.push({ ...named(trace), recipients: replayed.recipients })
        }
        return
      case 'not-replayable':
        this.#notReplayable += 1
        this.#countReason(trace, replayed)
    }
  }

  #countChange({ was, is }: ReplayedRecipient): void {
    const from = describe(was)
    const to = describe(is)
    const key = `${from}\0${to}`
    const own = this.#changes.has(key) || this.#changes.size < mostKinds
    const counted = this.#changes.get(own ? key : '') ?? {
      from: own ? from : 'others',
      to: own ? to : 'others',
      count: 0,
    }
    counted.count += 1
    this.#changes.set(own ? key : '', counted)
  }

  #countReason(
    { id }: Trace,
    { entry, why }: { readonly entry?: string; readonly why: string },
  ): void {
    const short = why.slice(0, 200)
    const key = `${entry ?? ''}\0${kindOf(short)}`
    const own = this.#reasons.has(key) || this.#reasons.size < mostKinds
    const counted = this.#reasons.get(own ? key : '') ?? {
      ...(entry === undefined || !own ? {} : { entry }),
      why: own ? short : 'others',
      count: 0,
      example: id,
    }
    counted.count += 1
    this.#reasons.set(own ? key : '', counted)
  }
}

/** What is asked anew differs by every client; that it is, does not. */
function kindOf(why: string): string {
  return why.replace(/it asks anew: .*/, 'it asks anew')
}

function named({ id, endedAt, remote, reversePath }: Trace): Named {
  const colon = remote.lastIndexOf(':')
  return {
    id,
    at: endedAt,
    client: remote.slice(0, colon),
    ...(reversePath === undefined ? {} : { reversePath }),
  }
}
