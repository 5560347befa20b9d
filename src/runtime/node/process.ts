import { readdirSync, readFileSync } from 'node:fs'
import { loadavg, setPriority } from 'node:os'
import process from 'node:process'
import type { HostProcess } from '../process.ts'

/** The file of Node itself. */
export const nodeFile = process.execPath

/** As nice(1) has it: a tenth of a processor where somebody else wants it too, all of it where nobody does. */
const giveWayBy = 10

/** @param set what sets a thread's priority: tests must not lower their own */
export function giveWay(set: typeof setPriority = setPriority): void {
  try {
    // Linux gives each thread a priority of its own; new ones have that of whoever starts them.
    for (const thread of readdirSync('/proc/self/task')) set(Number(thread), giveWayBy)
  } catch {
    // A thread may end meanwhile, and other systems have none in a folder: the first one is what counts.
    giveWayAtLeastHere(set)
  }
}

function giveWayAtLeastHere(set: typeof setPriority): void {
  try {
    set(giveWayBy)
  } catch {
    // A filter of system calls may forbid it: to have the priority of the others is no reason not to be there.
  }
}

export const hostProcess: HostProcess = Object.freeze({
  pid: process.pid,
  parentPid: process.ppid,
  uid: process.getuid?.(),
  onSignal(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGALRM', callback: () => void) {
    process.on(signal, callback)
  },
  onUnhandledRejection(callback: (reason: unknown) => void) {
    process.on('unhandledRejection', callback)
  },
  giveWay: () => giveWay(),
  residentBytes: () => process.memoryUsage.rss(),
  loadAverage: () => loadavg()[0] ?? 0,
  descriptors() {
    try {
      const limits = readFileSync('/proc/self/limits', 'latin1')
      const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1])
      return Number.isNaN(limit) ? undefined : { open: readdirSync('/proc/self/fd').length, limit }
    } catch (error) {
      // To look it up takes a descriptor.
      const none = error instanceof Error && 'code' in error && error.code === 'EMFILE'
      return none ? { open: 1, limit: 1 } : undefined
    }
  },
})
