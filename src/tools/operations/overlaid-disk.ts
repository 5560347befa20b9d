import type { Disk } from '../../runtime/disk.ts'

/** A disk on which one file holds something else than it does: for whoever asks what would be. Nothing is written. */
export function overlaidDisk(disk: Disk, path: string, bytes: Uint8Array): Disk {
  return {
    ...disk,
    readFile: async (asked, maxBytes) => (asked === path ? bytes : disk.readFile(asked, maxBytes)),
    readFileNow: (asked, maxBytes) => (asked === path ? bytes : disk.readFileNow(asked, maxBytes)),
  }
}
