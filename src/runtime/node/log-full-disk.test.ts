/** Lines of a log on a disk that is full: whole or not there. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LogFolder } from './log-folder.ts'
import { FileTarget, type LogTarget } from './log-target.ts'

const diskBytes = 64 * 1024

function mount(at: string): void {
  const size = `size=${diskBytes}`
  execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'none', at], { stdio: 'ignore' })
}

function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may mount'
  const at = mkdtempSync(join(tmpdir(), 'postern-mount-'))
  try {
    mount(at)
    execFileSync('umount', [at])
    return undefined
  } catch {
    return 'this kernel lets us mount nothing'
  } finally {
    rmdirSync(at)
  }
}

const why = obstacle()
const lines = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, n) => `${n} ${'x'.repeat(90)}\n`).join(''))

describe.skipIf(why !== undefined)(`a full disk${why === undefined ? '' : `: ${why}`}`, () => {
  let folder = ''
  let target: LogTarget | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-log-'))
    mount(folder)
  })
  afterEach(async () => {
    await target?.close().catch(() => undefined)
    execFileSync('umount', [folder])
    rmSync(folder, { recursive: true })
  })
  const targets = {
    'a file': () => ({ path: join(folder, 'log'), target: new FileTarget(join(folder, 'log')) }),
    'a folder': () => ({
      path: join(folder, 'current'),
      target: new LogFolder({ path: folder, files: 3, fileBytes: 1 << 20, label: String }),
    }),
  }

  test.each(['a file', 'a folder'] as const)('tears no line of %s', async (kind) => {
    const { path, ...made } = targets[kind]()
    target = made.target
    const bytes = lines(2000)
    const written = await target.write(bytes)
    expect(written).toBeGreaterThan(diskBytes / 2)
    expect(readFileSync(path)).toEqual(bytes.subarray(0, written))
    expect(bytes[written - 1]).toBe(10)
  })

  test('leaves nothing of a line that does not fit at all', async () => {
    const { path, ...made } = targets['a folder']()
    target = made.target
    await target.write(lines(1))
    writeFileSync(join(folder, 'filler'), Buffer.alloc(diskBytes - 8192))
    await expect(target.write(Buffer.alloc(20_000, 'y'))).rejects.toThrow('ENOSPC')
    expect(readFileSync(path)).toEqual(lines(1))
  })

  test.each(['a file', 'a folder'] as const)(
    'has the room of %s again that was removed, once that rests',
    async (kind) => {
      const { path, ...made } = targets[kind]()
      target = made.target
      await target.write(lines(2000))
      rmSync(path)
      const filler = Buffer.alloc(diskBytes - 8192)
      expect(() => writeFileSync(join(folder, 'filler'), filler)).toThrow('ENOSPC')
      await target.rest?.()
      writeFileSync(join(folder, 'filler'), filler)
      await target.write(lines(1))
      expect(readFileSync(path)).toEqual(lines(1))
    },
  )

  test('that has room again takes the lines where it left off', async () => {
    const { path, ...made } = targets['a folder']()
    target = made.target
    const filler = join(folder, 'filler')
    writeFileSync(filler, Buffer.alloc(diskBytes / 2))
    const bytes = lines(500)
    const written = await target.write(bytes)
    rmSync(filler)
    await target.write(bytes.subarray(written))
    expect(readFileSync(path)).toEqual(bytes)
  })
})
