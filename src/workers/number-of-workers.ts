/** How many workers `workers: auto` comes to on this host. */
import { availableParallelism, totalmem } from 'node:os'
import process from 'node:process'

export interface HostSize {
  /** That this process may use at a time. */
  readonly processors: number
  readonly memoryBytes: number
}

/** Beyond them one disk, and one supervisor that counts for all, would gain little; who wants more says a number. */
const mostByThemselves = 8
/** A busy worker takes up to 350 MB, and others live on the host as well. */
const memoryEach = 512 << 20

/** One for each processor, where the memory is enough for so many; what a container is allowed counts, not what its host has. */
export function numberOfWorkers(wanted: number | 'auto', host: HostSize = thisHost()): number {
  if (wanted !== 'auto') return wanted
  const { processors, memoryBytes } = host
  const fitting = Math.min(processors, Math.floor(memoryBytes / memoryEach), mostByThemselves)
  return Math.max(1, fitting)
}

function thisHost(): HostSize {
  // Where nothing limits it the second is larger than any memory.
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Infinity)
  return { processors: availableParallelism(), memoryBytes }
}
