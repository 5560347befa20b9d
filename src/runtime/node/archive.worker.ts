/**
 * An archive's thread: writes what it is given at once, answers questions, and does in between what can wait, piece by piece.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { errorMessage } from '../../mail/errors.ts'
import type { DescribeRecord } from '../archive.ts'
import { archiveFile, openArchiveFile, openArchiveForReading } from './archive-file.ts'
import { ArchiveCounter } from './archive-counter.ts'
import type {
  ArchiveData,
  ArchiveNews,
  ArchiveReply,
  ArchiveRequest,
  RecordBatch,
} from './archive-protocol.ts'
import { PostingLists } from './archive-lists.ts'
import { ArchiveReader } from './archive-reader.ts'
import { ArchiveWriter, type NewRecord } from './archive-writer.ts'
import { inodeOf, isDamage, setAside } from './database-file.ts'
import type { FromThread, ToThread } from './database-thread.ts'

const piecesAtClose = 20
/** So many records may be added while the oldest ones wait to go. */
const mostBehind = 5000
/** Half of what goes in one piece of tidying up: then more go than come, the pieces that index a segment included. */
const tidiedRows = 32

const say = (message: FromThread<ArchiveReply, ArchiveNews>): void =>
  parentPort?.postMessage(message)

const data: ArchiveData = workerData
const inWords = (error: unknown): string => `${data.path}: ${errorMessage(error)}`

try {
  const { path, now, describer, bounds } = data
  const module: { readonly describeRecord: DescribeRecord } = await import(describer)
  const {
    opened: file,
    inode,
    damaged,
  } = bounds === undefined
    ? { opened: openArchiveForReading(path), inode: 0 }
    : openArchiveFile(path, now)
  const lists = new PostingLists(file, (segment) =>
    say({ say: 'news', news: { damagedSegment: segment } }),
  )
  const reader = new ArchiveReader(file, module.describeRecord, { lists })
  const counter = new ArchiveCounter(file, module.describeRecord, lists)
  const writer = bounds && new ArchiveWriter(file, module.describeRecord, bounds)
  let tidying: NodeJS.Immediate | undefined
  /** Records that were added since there was nothing to tidy up. */
  let behind = 0

  const tidy = (at: number): void => {
    tidying ??= setImmediate(() => {
      tidying = undefined
      try {
        if (writer?.tidy(at) === true) tidy(at)
        else behind = 0
      } catch (error) {
        // Whoever keeps the file from being written: the next record, or the next minute, tries again.
        if (isDamage(error)) giveUpDamaged(error, at)
      }
    })
  }

  /** The thread ends; the next question starts another one, with another file. */
  const giveUp = (error: string, aside?: string): void => {
    clearImmediate(tidying)
    say({ say: 'failed', error, ...(aside === undefined ? {} : { damaged: aside }) })
    parentPort?.close()
  }

  const giveUpDamaged = (error: unknown, at: number): void => {
    try {
      file.close()
    } finally {
      giveUp(inWords(error), setAside(archiveFile(path), { inode, now: at }))
    }
  }

  /** Where records come faster than the oldest go, they wait until some have gone. */
  const catchUp = (at: number, records: number): void => {
    behind = tidying === undefined ? 0 : behind + records
    if (behind < mostBehind) return
    for (let piece = 0; piece * tidiedRows < records && writer?.tidy(at) === true; piece++);
  }

  /** Whoever reads without us should find an index; what is left over, the next start does. */
  const finish = (): void => {
    try {
      for (let piece = 0; piece < piecesAtClose && writer?.tidy(now) === true; piece++);
    } catch {
      // Another process writes on.
    }
  }

  const answer = (request: ArchiveRequest): ArchiveReply => {
    switch (request.do) {
      case 'add':
        writer?.add([...recordsOf(request.batch)], request.batch.notes)
        catchUp(request.now, request.batch.ats.length)
        tidy(request.now)
        return { ok: true }
      case 'tidy':
        tidy(request.now)
        return { ok: true }
      case 'note':
        return { ok: true, note: reader.note(request.key) }
      case 'find':
        return { ok: true, found: reader.find(request.question) }
      case 'tally':
        return { ok: true, tally: counter.tally(request.question) }
      case 'extent':
        return { ok: true, extent: reader.extent() }
    }
  }

  parentPort?.on('message', (message: ToThread<ArchiveRequest>) => {
    if (message.say === 'close') {
      clearImmediate(tidying)
      finish()
      file.close()
      say({ say: 'closed' })
      parentPort?.close()
      return
    }
    const { id, request } = message
    if (request.do === 'tidy' && writer !== undefined && inodeOf(path) !== inode) {
      file.close()
      giveUp('another file lies in its place')
      return
    }
    try {
      say({ say: 'done', id, answer: answer(request) })
    } catch (error) {
      if (writer !== undefined && isDamage(error)) giveUpDamaged(error, now)
      else say({ say: 'done', id, answer: { ok: false, error: inWords(error) } })
    }
  })
  say({ say: 'ready', ...(damaged === undefined ? {} : { damaged }) })
  if (writer !== undefined) tidy(now)
} catch (error) {
  say({ say: 'failed', error: inWords(error) })
}

function* recordsOf(batch: RecordBatch): Generator<NewRecord, void> {
  const { ats, lengths, detailLengths, values, terms, termCounts } = batch
  let from = 0
  let term = 0
  for (const [index, length] of lengths.entries()) {
    const to = from + Math.abs(length)
    const end = to + (detailLengths[index] ?? 0)
    const detail = end === to ? null : values.subarray(to, end)
    const ownTerms = terms.subarray(term, (term += termCounts[index] ?? 0))
    yield {
      at: ats[index] ?? 0,
      counts: length > 0,
      json: values.subarray(from, to),
      detail,
      terms: ownTerms,
    }
    from = end
  }
}
