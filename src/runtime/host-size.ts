/** What a process may use of its host. */
export interface HostSize {
  /** At a time. */
  readonly processors: number
  readonly memoryBytes: number
}
