/** A lock that is ours until it is released, or until our process ends. */
export interface FileLock {
  release(): Promise<void>
}

/** Locks that other programs on this host respect too (flock(2)), as mailbox files have them. */
export interface FileLocks {
  /**
   * Waits for whoever has it.
   * @param path a file; made if there is none. A symbolic link is followed, but not where `noLink`: what others may write
   * beside leads us nowhere
   * @throws PosternError TIMEOUT after `timeoutMs`, DISK_FAILED
   */
  take(path: string, timeoutMs: number, noLink?: true): Promise<FileLock>
  /**
   * The same of an mbox, and the file `.lock` beside it, which mail readers take. What has the name `path` then is what is
   * locked: who opened it before may have another file, which was replaced meanwhile.
   * @throws PosternError TIMEOUT, DISK_FAILED
   */
  takeMbox(path: string, timeoutMs: number): Promise<FileLock>
}
