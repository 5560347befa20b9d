/**
 * An archive for a command that asks, prints and ends, beside whoever writes it or without anybody: read in the thread that
 * asks. To start a thread of its own would cost such a command more than its question.
 */
import { errorMessage, PosternError } from '../../mail/errors.ts'
import { parseJson } from '../../mail/json.ts'
import type { DescribeRecord, RecordedArchive } from '../archive.ts'
import { ArchiveCounter } from './archive-counter.ts'
import { isUnwritten, openArchiveForReading } from './archive-file.ts'
import { answerOf, ArchiveReader } from './archive-reader.ts'

/**
 * Blocks while it reads.
 *
 * @throws PosternError NOT_FOUND where nothing is in the file yet, STORE_FAILED where it cannot be opened
 */
export function openArchiveBeside(path: string, describe: DescribeRecord): RecordedArchive {
  const attempt = <T>(read: () => T): T => {
    try {
      return read()
    } catch (error) {
      throw new PosternError('STORE_FAILED', `${path}: ${errorMessage(error)}`, { cause: error })
    }
  }
  const file = attempt(() => openArchiveForReading(path))
  if (attempt(() => isUnwritten(file))) {
    file.close()
    throw new PosternError('NOT_FOUND', path)
  }
  const reader = attempt(() => new ArchiveReader(file, describe))
  const counter = attempt(() => new ArchiveCounter(file, describe))
  return {
    async note(key) {
      const note = attempt(() => reader.note(key))
      return note === undefined ? undefined : parseJson(note)
    },
    async find(question) {
      return answerOf(attempt(() => reader.find(question)))
    },
    async tally(question) {
      return attempt(() => counter.tally(question))
    },
    async extent() {
      return attempt(() => reader.extent())
    },
    async close() {
      file.close()
    },
  }
}
