/** The workers of a started gateway, as the system sees them. */
import { readFileSync } from 'node:fs'

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
