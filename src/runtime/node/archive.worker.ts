/**
 * An archive's thread: writes what it is given at once, answers questions, and does in between what can wait, piece by piece.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { DescribeRecord } from '../archive.ts'
import { openArchiveFile, openArchiveForReading } from './archive-file.ts'
import type { ArchiveData, ArchiveReply, ArchiveRequest, RecordBatch } from './archive-protocol.ts'
import { ArchiveReader } from './archive-reader.ts'
import { ArchiveWriter, type NewRecord } from './archive-writer.ts'
import type { FromThread, ToThread } from './database-thread.ts'

const say = (message: FromThread<ArchiveReply>): void => parentPort?.postMessage(message)

try {
  const data: ArchiveData = workerData
  const { path, now, describer, bounds } = data
  const module: { readonly describeRecord: DescribeRecord } = await import(describer)
  const opened =
    bounds === undefined ? { file: openArchiveForReading(path) } : openArchiveFile(path, now)
  const { file } = opened
  const reader = new ArchiveReader(file, module.describeRecord)
  const writer = bounds && new ArchiveWriter(file, module.describeRecord, bounds)
  let tidying: NodeJS.Immediate | undefined

  const tidy = (at: number): void => {
    tidying ??= setImmediate(() => {
      tidying = undefined
      try {
        if (writer?.tidy(at) === true) tidy(at)
      } catch {
        // Whoever keeps the file from being written: the next record, or the next minute, tries again.
      }
    })
  }

  const answer = (request: ArchiveRequest): ArchiveReply => {
    switch (request.do) {
      case 'add':
        writer?.add([...recordsOf(request.batch)], request.batch.notes)
        tidy(request.now)
        return { ok: true }
      case 'tidy':
        tidy(request.now)
        return { ok: true }
      case 'note':
        return { ok: true, note: reader.note(request.key) }
      case 'find':
        return { ok: true, found: reader.find(request.question) }
      case 'extent':
        return { ok: true, extent: reader.extent() }
    }
  }

  parentPort?.on('message', (message: ToThread<ArchiveRequest>) => {
    if (message.say === 'close') {
      clearImmediate(tidying)
      file.close()
      say({ say: 'closed' })
      parentPort?.close()
      return
    }
    try {
      say({ say: 'done', id: message.id, answer: answer(message.request) })
    } catch (error) {
      say({ say: 'done', id: message.id, answer: { ok: false, error: String(error) } })
    }
  })
  const damaged = 'damaged' in opened ? opened.damaged : undefined
  say({ say: 'ready', ...(damaged === undefined ? {} : { damaged }) })
  if (writer !== undefined) tidy(now)
} catch (error) {
  say({ say: 'failed', error: String(error) })
}

function* recordsOf({ ats, lengths, values }: RecordBatch): Generator<NewRecord, void> {
  let from = 0
  for (const [index, length] of lengths.entries()) {
    const to = from + Math.abs(length)
    yield { at: ats[index] ?? 0, counts: length > 0, json: values.slice(from, to) }
    from = to
  }
}
