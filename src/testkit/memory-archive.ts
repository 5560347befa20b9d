import { object } from '../filter/read-json.ts'
import { wholeRecord } from '../filter/trace-reader.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type {
  Archive,
  ArchiveBounds,
  ArchivedRecord,
  DescribeRecord,
  RecordAbout,
  TallyCount,
} from '../runtime/archive.ts'

export interface MemoryArchive extends Archive {
  /** All that it holds, oldest first. */
  readonly records: readonly JsonObject[]
  /** From now on so many records wait to be written. */
  fallBehind(waiting: number): void
}

/** An archive without an index: every record is looked at. It is what the real one is compared with. */
export function memoryArchive(
  describe: DescribeRecord,
  { maxRecords }: Pick<ArchiveBounds, 'maxRecords'> = { maxRecords: 1000 },
): MemoryArchive {
  let kept: (ArchivedRecord & { readonly about: RecordAbout })[] = []
  const notes = new Map<string, JsonValue>()
  let position = 0
  let waiting = 0
  const parse = (json: string): JsonValue => {
    const read: JsonValue = JSON.parse(json)
    return read
  }
  const copy = <T extends JsonValue>(value: T): T => {
    const read: T = JSON.parse(JSON.stringify(value))
    return read
  }
  return {
    get records() {
      return kept.map(({ value, detail }) => wholeRecord(value, detail))
    },
    get waiting() {
      return waiting
    },
    fallBehind(count) {
      waiting = count
    },
    dropped: 0,
    addLater(value, about) {
      const json = about.json?.() ?? JSON.stringify(value)
      const told = { position: ++position, value: object(parse(json)), about }
      kept.push(about.detail === undefined ? told : { ...told, detail: parse(about.detail()) })
      const counting = kept.filter((each) => each.about.counts)
      const oldest = counting.at(-maxRecords)
      if (counting.length > maxRecords && oldest !== undefined) {
        kept = kept.filter((each) => each.position >= oldest.position)
      }
    },
    noteLater: (key, value) => void notes.set(key, copy(value)),
    note: async (key) => notes.get(key),
    async find({ conditions, since, until, contains, order, beyond, limit }) {
      const ahead = (at: number): boolean =>
        beyond === undefined || (order === 'newest' ? at < beyond : at > beyond)
      const wanted = (order === 'newest' ? kept.toReversed() : kept).filter(
        ({ position: at, value, detail, about }) =>
          ahead(at) &&
          about.at >= (since ?? -Infinity) &&
          about.at < (until ?? Infinity) &&
          (contains === undefined ||
            JSON.stringify([value, detail]).toLowerCase().includes(contains)) &&
          conditions.every((ranges) =>
            ranges.some(({ kind, from, to }) =>
              describe(value).some(
                ([own, payload]) => own === kind && payload >= from && payload <= to,
              ),
            ),
          ),
      )
      const next = wanted[limit]?.position
      return {
        rows: wanted.slice(0, limit).map(({ position: at, value, detail }) => ({
          position: at,
          value,
          ...(detail === undefined ? {} : { detail }),
        })),
        ...(next === undefined ? {} : { next: order === 'newest' ? next + 1 : next - 1 }),
      }
    },
    async tally({ kind, sliceMs, since, beyond }) {
      const counts = new Map<string, TallyCount>()
      for (const { position: at, value, about } of kept) {
        if (at <= beyond || about.at < since) continue
        const slice = Math.floor(about.at / sliceMs) * sliceMs
        for (const [own, payload] of describe(value)) {
          if (own !== kind) continue
          const key = `${slice} ${payload}`
          const count = (counts.get(key)?.count ?? 0) + 1
          counts.set(key, { at: slice, payload, count, position: at })
        }
      }
      return { counts: [...counts.values()], upTo: position, isComplete: true }
    },
    async extent() {
      const [oldest] = kept
      const newest = kept.at(-1)
      return {
        newest: position,
        sizeBytes: 0,
        ...(oldest === undefined ? {} : { oldestAt: oldest.about.at }),
        ...(newest === undefined ? {} : { newestAt: newest.about.at }),
      }
    },
    close: async () => {},
  }
}
