import process from 'node:process'
import type { HostProcess } from '../process.ts'

export const hostProcess: HostProcess = Object.freeze({
  pid: process.pid,
  onSignal(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGALRM', callback: () => void) {
    process.on(signal, callback)
  },
  onUnhandledRejection(callback: (reason: unknown) => void) {
    process.on('unhandledRejection', callback)
  },
  residentBytes: () => process.memoryUsage.rss(),
})
