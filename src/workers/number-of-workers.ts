import type { HostSize } from '../runtime/host-size.ts'

/** Beyond them one disk, and one supervisor that counts for all, would gain little; who wants more says a number. */
const mostByThemselves = 8
/** A busy worker takes up to 350 MB, and others live on the host as well. */
const memoryEach = 512 << 20

/** What `workers:` comes to; `auto`: one for each processor, where the memory is enough for so many. */
export function numberOfWorkers(
  wanted: number | 'auto',
  { processors, memoryBytes }: HostSize,
): number {
  if (wanted !== 'auto') return wanted
  const fitting = Math.min(processors, Math.floor(memoryBytes / memoryEach), mostByThemselves)
  return Math.max(1, fitting)
}
