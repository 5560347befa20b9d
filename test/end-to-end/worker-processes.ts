/** The workers of a started gateway, as the system sees them. */
import { readFileSync } from 'node:fs'
import { eventually, type StartedGateway } from './started-gateway.ts'

/** The processes that `pid` has started and that are alive, in the order in which they were started. */
export function workersOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .map(Number)
    .filter((child) => child > 0 && isAlive(child))
}

/** Whether it runs: one that has ended and that nobody has asked about yet does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z'
  } catch {
    return false
  }
}

/** Ends supervisor and workers at once, as a power cut does. Resolves when none of them is left. */
export async function killAll(gateway: StartedGateway): Promise<void> {
  const workers = isAlive(gateway.pid) ? workersOf(gateway.pid) : []
  gateway.signal('SIGKILL')
  for (const worker of workers) {
    try {
      process.kill(worker, 'SIGKILL')
    } catch {
      // It has noticed already that its supervisor is gone.
    }
  }
  await gateway.exited()
  await eventually(async () => (workers.some(isAlive) ? undefined : true), 'the end of all workers')
}
