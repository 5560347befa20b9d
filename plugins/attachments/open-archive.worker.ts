/** A thread's work: archives. */
import type { Job } from 'postern/plugin'
import type { ArchiveContents, ArchiveTask } from './archive.ts'
import { openArchive } from './open-archive.ts'

export const job: Job<ArchiveTask, ArchiveContents> = (task, { signal }) =>
  openArchive(task, signal)
