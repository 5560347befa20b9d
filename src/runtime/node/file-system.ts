/** What kind of file system a folder lies on, and what room it has (statfs(2)). */
import { statfs } from 'node:fs/promises'

export interface FileSystem {
  /** `network`, `memory`, `overlay` and `user` (FUSE) are hardly a place for what must not be lost. */
  readonly kind: 'disk' | 'network' | 'memory' | 'overlay' | 'user'
  /** For whoever is not root. */
  readonly freeBytes: number
  /** Files that may still be made; undefined where there is no limit. */
  readonly freeFiles: number | undefined
}

/** linux/magic.h, and what NFS, SMB and FUSE have beside it. */
const kinds: ReadonlyMap<number, FileSystem['kind']> = new Map([
  [0x6969, 'network'],
  [0x517b, 'network'],
  [0xff534d42, 'network'],
  [0xfe534d42, 'network'],
  [0x01021997, 'network'],
  [0x00c36400, 'network'],
  [0x01021994, 'memory'],
  [0x858458f6, 'memory'],
  [0x794c7630, 'overlay'],
  [0x65735546, 'user'],
])

/** @returns undefined where there is no such folder, or the system does not tell */
export async function fileSystemOf(path: string): Promise<FileSystem | undefined> {
  try {
    const { type, bavail, bsize, files, ffree } = await statfs(path)
    return {
      kind: kinds.get(type >>> 0) ?? 'disk',
      freeBytes: bavail * bsize,
      freeFiles: files === 0 ? undefined : ffree,
    }
  } catch {
    // Whoever asks says what that means.
    return undefined
  }
}
