/** A disk of our own whose power can be cut: ext4 in a file, and the kernel's own way to let it stop at once. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { component } from '../setup/components.ts'

export interface LoopDisk {
  /** Where it is mounted. */
  readonly path: string
  /** From here nothing reaches it; what was not synced is gone, as with a power cut. */
  cut(): void
  /** The machine comes up again: nobody may have a file open there. */
  mountAgain(): void
  remove(): void
}

/** EXT4_IOC_SHUTDOWN with NOLOGFLUSH: the journal is not written either. */
const shutdown = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))`

/** @throws Error where we may not mount */
export function loopDisk(sizeMegabytes = 96): LoopDisk {
  const root = mkdtempSync(join(tmpdir(), 'postern-disk-'))
  const image = join(root, 'image')
  const path = join(root, 'mnt')
  mkdirSync(path)
  writeFileSync(image, '')
  truncateSync(image, sizeMegabytes << 20)
  const mount = (): void => run('mount', '-o', 'loop', image, path)
  // A process that was killed holds the disk until its last thread has come back from it; a disk that is mounted again
  // before that is the dead one.
  const unmount = (attempts = 200): void => {
    try {
      run('umount', path)
    } catch {
      if (attempts === 0) return run('umount', '-l', path)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
      unmount(attempts - 1)
    }
  }
  try {
    run(component('e2fsprogs')?.path ?? 'mkfs.ext4', '-q', '-F', image)
    mount()
  } catch (error) {
    rmSync(root, { recursive: true })
    throw error
  }
  return {
    path,
    cut: () => run(component('python3')?.path ?? 'python3', '-c', shutdown, path),
    mountAgain() {
      unmount()
      mount()
    },
    remove() {
      unmount()
      rmSync(root, { recursive: true })
    },
  }
}

/** Why this machine cannot do it, in a few words; undefined where it can. */
export function obstacleToLoopDisks(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may mount a disk of its own'
  try {
    const disk = loopDisk(8)
    disk.cut()
    disk.remove()
    return undefined
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    return `this kernel lets us mount no disk of our own: ${said.trim().split('\n').at(-1)}`
  }
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 })
}
