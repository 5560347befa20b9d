/**
 * What entries in shadow mode would have done since a time, counted in the indexes: of each thing that was said one record is
 * read, to know what it was, and those that are named as examples. Only transactions of earlier versions, whose heads do not
 * name their shadows, are read step by step.
 */
import { list, object, text } from '../filter/read-json.ts'
import { readShadows, type ShadowSaying } from '../filter/shadows.ts'
import type { JsonObject } from '../mail/json.ts'
import type { ArchivedRecord, RecordedArchive } from '../runtime/archive.ts'
import { describeRecord } from './describe-record.ts'
import { stepwiseRanges } from './question.ts'
import { mostReasons, ShadowReport, type ShadowedEntry } from './shadow-report.ts'
import {
  any,
  exactly,
  recordKinds,
  shadowSaidTerm,
  shadowTerm,
  termKinds,
  type TermKind,
} from './terms.ts'
import { tracesSince } from './traced-period.ts'

export interface ShadowPeriod {
  readonly since: number
  /** Ids that are named for each reason. */
  readonly examples: number
  /** Called with how many transactions have been read. */
  readonly progress?: ((count: number) => void) | undefined
}

export interface CountedShadows {
  /** Transactions, and connections that came to none. */
  readonly transactions: number
  /** Those that were asked as shadows, by name. */
  readonly entries: readonly ShadowedEntry[]
}

/** How many records have one term, and which of them is the last. */
interface Count {
  readonly count: number
  readonly last: ArchivedRecord
}

/** What an entry said, whatever became of that mail. */
interface Said {
  readonly entry: string
  readonly fates: { readonly saying: ShadowSaying; readonly count: number }[]
  /** Of each of these the last, the newest first. */
  readonly ids: string[]
  count: number
}

/** Read in one go to know what was said: where much was said, each of them tells some of it. */
const pageRecords = 32
const progressEvery = 100

/** @throws PosternError STORE_FAILED */
export async function countShadows(
  archive: RecordedArchive,
  { since, examples, progress }: ShadowPeriod,
): Promise<CountedShadows> {
  const report = new ShadowReport(examples)
  let transactions = await countIndexed(archive, report, { since, examples })
  for await (const { trace } of tracesSince(archive, since, [stepwiseRanges])) {
    report.add(trace)
    transactions += 1
    if (transactions % progressEvery === 0) progress?.(transactions)
  }
  return { transactions, entries: report.entries }
}

/** @returns how many transactions name their shadows */
async function countIndexed(
  archive: RecordedArchive,
  report: ShadowReport,
  { since, examples }: Pick<ShadowPeriod, 'since' | 'examples'>,
): Promise<number> {
  // How often they were asked is counted last: what comes meanwhile makes no part greater than the whole.
  const said = await counted(archive, 'shadowSaid', since)
  const objected = await counted(archive, 'shadowObjected', since)
  const asked = await counted(archive, 'shadowAsked', since)
  for (const [payload, { count, last }] of asked) {
    const shadows = readShadows(last.value)
    const [entry] = shadows.find(([name]) => shadowTerm('shadowAsked', name)[1] === payload) ?? []
    if (entry === undefined) continue
    // oxlint-disable-next-line no-await-in-loop -- there are few entries
    report.asked({ entry, plugin: await pluginOf(archive, entry, last.value) }, count)
    report.objected(entry, objected.get(payload)?.count ?? 0)
  }
  const named = new Map<string, number>()
  for (const each of mostFrequentFirst(said)) {
    const before = named.get(each.entry) ?? 0
    named.set(each.entry, before + 1)
    // oxlint-disable-next-line no-await-in-loop -- one question after the other
    const ids =
      before < mostReasons ? await examplesOf(archive, each, { since, examples }) : each.ids
    for (const [index, { saying, count }] of each.fates.entries()) {
      report.said(each.entry, saying, { count, ids: index === 0 ? ids : [] })
    }
  }
  const records = await tallied(archive, 'record', since)
  return records.get(recordKinds.transaction)?.count ?? 0
}

/** By the payload. */
async function counted(
  archive: RecordedArchive,
  kind: TermKind,
  since: number,
): Promise<ReadonlyMap<number, Count>> {
  const tally = await tallied(archive, kind, since)
  const found = new Map<number, Count>()
  const newestFirst = [...tally].toSorted(([, a], [, b]) => b.position - a.position)
  for (const [payload, { position }] of newestFirst) {
    if (found.has(payload)) continue
    // oxlint-disable-next-line no-await-in-loop -- what the page before told is not asked for
    const { rows } = await archive.find({
      conditions: [[any(kind)]],
      order: 'newest',
      beyond: position + 1,
      limit: pageRecords,
    })
    for (const last of rows) {
      for (const [own, named] of describeRecord(last.value)) {
        const count = own === termKinds[kind] && !found.has(named) && tally.get(named)?.count
        if (count) found.set(named, { count, last })
      }
    }
  }
  return found
}

interface Tallied {
  count: number
  /** Of the last of them. */
  position: number
}

async function tallied(
  archive: RecordedArchive,
  kind: TermKind,
  since: number,
): Promise<ReadonlyMap<number, Tallied>> {
  const all = new Map<number, Tallied>()
  const question = { kind: termKinds[kind], sliceMs: Number.MAX_SAFE_INTEGER, since } as const
  for (let beyond = 0; ;) {
    // oxlint-disable-next-line no-await-in-loop -- each tally begins where the one before ended
    const tally = await archive.tally({ ...question, beyond, isRare: true })
    for (const { payload, count, position } of tally.counts) {
      const before = all.get(payload)?.count ?? 0
      all.set(payload, { count: before + count, position })
    }
    if (tally.isComplete) return all
    beyond = tally.upTo
  }
}

function mostFrequentFirst(counts: ReadonlyMap<number, Count>): readonly Said[] {
  const all = new Map<string, Said>()
  for (const [payload, { count, last }] of counts) {
    for (const [entry, ...sayings] of readShadows(last.value)) {
      const saying = sayings.find((each) => shadowSaidTerm(entry, each)[1] === payload)
      if (saying === undefined) continue
      const [would, reason] = saying
      const key = `${entry}\0${would}\0${reason}`
      const said = all.get(key) ?? { entry, fates: [], ids: [], count: 0 }
      all.set(key, said)
      said.fates.push({ saying, count })
      said.ids.push(text(last.value['id']))
      said.count += count
    }
  }
  return [...all.values()].toSorted((a, b) => b.count - a.count)
}

/** The newest of those in which it was said. */
async function examplesOf(
  archive: RecordedArchive,
  { entry, fates, ids, count }: Said,
  { since, examples }: Pick<ShadowPeriod, 'since' | 'examples'>,
): Promise<readonly string[]> {
  if (examples <= 1 || count === ids.length) return ids
  const ranges = fates.map(({ saying }) => exactly(shadowSaidTerm(entry, saying)))
  const question = { conditions: [ranges], since, order: 'newest', limit: examples } as const
  const { rows } = await archive.find(question)
  return rows.map(({ value }) => text(value['id']))
}

/** Of an entry, in the chain that a record was decided by. */
async function pluginOf(
  archive: RecordedArchive,
  entry: string,
  record: JsonObject,
): Promise<string> {
  const chain = object(await archive.note(text(record['chain'])))
  const place = list(chain['places']).find((each) => list(each)[1] === entry)
  return text(list(place)[2]) || entry
}
