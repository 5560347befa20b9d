import { readdirSync, readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import process from 'node:process'
import type { HostProcess } from '../process.ts'

/** The file of Node itself. */
export const nodeFile = process.execPath

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
