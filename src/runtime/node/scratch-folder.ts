import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorMessage, PosternError } from '../../mail/errors.ts'

export interface ScratchFolder {
  readonly path: string
  remove(): Promise<void>
}

/** A folder for what nobody needs afterwards; only its maker may enter it. @throws PosternError DISK_FAILED */
export async function makeScratchFolder(): Promise<ScratchFolder> {
  try {
    const path = await mkdtemp(join(tmpdir(), 'postern-scratch-'))
    return { path, remove: () => rm(path, { recursive: true, force: true }) }
  } catch (error) {
    const why = errorMessage(error)
    throw new PosternError('DISK_FAILED', why, { cause: error })
  }
}
