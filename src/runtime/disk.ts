/**
 * The door to the disk. Every failure is a PosternError: DISK_FULL for ENOSPC and EDQUOT, NOT_FOUND for a missing file,
 * DISK_FAILED for the rest. Nothing is durable before `datasync`, `sync` or `syncDirectory` has returned.
 * What is made belongs to its owner alone: files have mode 0600, folders 0700.
 */
export interface Disk {
  /**
   * @param mode `read`: must exist. `write`: must exist. `create`: must not exist. `open`: created if missing.
   * `append`: must exist; what is written comes to its end, wherever that is by then, whatever position is named.
   * `foreign`: to read what another user has put there; a symbolic link is refused, and nothing else waits for anybody.
   */
  open(path: string, mode: OpenMode): Promise<DiskFile>
  readFile(path: string, maxBytes?: number): Promise<Uint8Array>
  /** The same without waiting, for small files of the configuration. */
  readFileNow(path: string, maxBytes?: number): Uint8Array
  /** Opens for reading without waiting, for databases that are read by position. */
  openNow(path: string): DiskFile
  /** Names only, unsorted, without `.` and `..`. */
  list(path: string): Promise<readonly string[]>
  stat(path: string): Promise<FileStat>
  /** The same without waiting. */
  statNow(path: string): FileStat
  /** Of the name itself: a symbolic link is not followed, so no look of it lasts. */
  statName(path: string): Promise<FileStat>
  /** Of the file system on which it lies. */
  space(path: string): Promise<DiskSpace>
  /** With parents; an existing one is fine. Makes no promise about durability: see `syncDirectory`. */
  makeDirectory(path: string): Promise<void>
  /** Only its owner may: what is made for the owner alone becomes what others may use. */
  setMode(path: string, mode: number): Promise<void>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** Holds an exclusive lock that dies with the process. @throws PosternError SPOOL_LOCKED */
  lock(path: string): Promise<DiskLock>
  /**
   * Calls back, late and coalesced, when the file or folder (or what is in it) may have changed.
   * @param isOurs names in a folder of which nothing is told; nor is anything of where our own standard output and error go
   */
  watch(path: string, changed: () => void, isOurs?: (name: string) => boolean): DiskWatch
}

export type OpenMode = 'read' | 'write' | 'append' | 'create' | 'open' | 'foreign'

export interface FileStat {
  readonly sizeBytes: number
  readonly modifiedAt: number
  readonly inode: number
  /** Names that it has. */
  readonly links: number
  readonly kind: 'file' | 'directory' | 'other'
  /** Its owner. */
  readonly uid: number
  readonly gid: number
  /** The permission bits, set-user-ID, set-group-ID and sticky bit included: at most 0o7777. */
  readonly mode: number
}

/** What is there for whoever is not root. A file system that makes inodes as it needs them has 0 of them. */
export interface DiskSpace {
  readonly sizeBytes: number
  readonly freeBytes: number
  readonly inodes: number
  readonly freeInodes: number
}

export interface DiskFile {
  /** Gathers the parts and writes them at `position`, synchronously: a copy into the page cache, nothing durable yet. */
  writeNow(parts: readonly Uint8Array[], position: number): void
  /** The same off the main thread. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>
  /** At most `length` bytes; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>
  readNow(position: number, length: number): Uint8Array
  /** Data and size on stable storage (fdatasync). */
  datasync(): Promise<void>
  /** Data and all metadata on stable storage (fsync). */
  sync(): Promise<void>
  truncate(sizeBytes: number): Promise<void>
  stat(): Promise<FileStat>
  statNow(): FileStat
  close(): Promise<void>
}

export interface DiskLock {
  release(): Promise<void>
}

export interface DiskWatch {
  close(): void
}
