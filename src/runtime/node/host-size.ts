import { availableParallelism, totalmem } from 'node:os'
import process from 'node:process'
import type { HostSize } from '../host-size.ts'

/** What a container is allowed counts, not what its host has. */
export function hostSize(): HostSize {
  // Where nothing limits it the second is larger than any memory, or 0.
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Infinity)
  return { processors: availableParallelism(), memoryBytes }
}
