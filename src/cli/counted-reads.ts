import type { Disk } from '../runtime/disk.ts'
import type { Told } from './progress.ts'

/** A disk that tells how many files have been read from it: for what reads many, one after the other. */
export function countedReads(disk: Disk, told: Told): Disk {
  let files = 0
  const count = (): void => told((files += 1))
  return {
    ...disk,
    readFile(path, maxBytes) {
      count()
      return disk.readFile(path, maxBytes)
    },
    readFileNow(path, maxBytes) {
      count()
      return disk.readFileNow(path, maxBytes)
    },
  }
}
