/** The door to our own process. */
export interface HostProcess {
  readonly pid: number
  /** Who started it. */
  readonly parentPid: number
  /** Whose process it is; absent where the system does not tell. */
  readonly uid: number | undefined
  /** Calls back each time the signal arrives, instead of what the system would do. */
  onSignal(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGALRM', callback: () => void): void
  /** Calls back for a promise that was rejected with nobody to care, instead of ending the process. */
  onUnhandledRejection(callback: (reason: unknown) => void): void
  /** Lets others have the processors first, from now on: this process, and threads that it starts. */
  giveWay(): void
  residentBytes(): number
  /** Of the whole machine, over one minute. */
  loadAverage(): number
  /** File descriptors of this process; `undefined` where the system does not tell. Costs a look into a folder. */
  descriptors(): { readonly open: number; readonly limit: number } | undefined
}
