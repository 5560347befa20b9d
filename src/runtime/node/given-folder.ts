import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { errorMessage, PosternError } from '../../mail/errors.ts'

/** Makes a file of root's that a group may read, whole or not at all, unless there is one. @throws PosternError DISK_FAILED */
export function makeFileForGroup(path: string, text: string, gid: number): void {
  if (existsSync(path)) return
  orFailed(() => {
    const fresh = `${path}.new`
    rmSync(fresh, { force: true })
    const descriptor = openSync(fresh, 'wx', 0o600)
    writeFileSync(descriptor, text)
    fchownSync(descriptor, 0, gid)
    fchmodSync(descriptor, 0o640)
    fsyncSync(descriptor)
    closeSync(descriptor)
    renameSync(fresh, path)
  })
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Makes a folder in one that exists, and gives it away; others may pass through. @throws PosternError DISK_FAILED */
export function makeFolderFor(path: string, { uid, gid }: Owner): void {
  orFailed(() => {
    mkdirSync(path, { mode: 0o711 })
    // Never through a link.
    lchownSync(path, uid, gid)
  })
}

function orFailed<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const why = errorMessage(error)
    throw new PosternError('DISK_FAILED', why, { cause: error })
  }
}
