import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from './clock.ts'
import { nodeFile } from './process.ts'
import { nodePrograms } from './programs.ts'
import { SharedCode } from './shared-code.ts'

const isRoot = process.getuid?.() === 0
const programs = nodePrograms(systemClock)
const { signal } = new AbortController()

/** Says where Node looks for compiled code, how many files there it may read, and whether it may write one. */
const program = `
import { accessSync, constants, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import { size } from './part.ts'
const at: string = getCompileCacheDir() ?? ''
const may = (): boolean => { try { accessSync(at, constants.W_OK); return true } catch { return false } }
console.log(JSON.stringify({ at, real: at && realpathSync(at), may: at !== '' && may(), size }))
`

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'postern-shared-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  chmodSync(path, 0o755)
  writeFileSync(join(path, 'program.ts'), program)
  writeFileSync(join(path, 'part.ts'), 'export const size: number = 7\n')
  return path
}

test.runIf(isRoot)(
  'a process of another user finds what root has compiled, and can not write it',
  async () => {
    const command = [nodeFile, join(folder(), 'program.ts')] as const
    const shared = new SharedCode({ programs, clock: systemClock, command })
    onTestFinished(() => shared.close())
    expect(shared.variablesFor(8123)).toEqual(new Map())
    await shared.ready()
    for (const uid of [8123, 8124, 8123]) {
      const environment = shared.variablesFor(uid)
      // oxlint-disable-next-line no-await-in-loop -- one after the other, as owners come
      const { outputs } = await programs.run(
        { command, environment, as: { uid, gid: uid }, outputs: new Map([[1, 10_000]]) },
        signal,
      )
      const said: unknown = JSON.parse(Buffer.from(outputs.get(1) ?? []).toString())
      const kept = environment.get('NODE_COMPILE_CACHE') ?? 'none'
      expect(said).toEqual({
        at: expect.stringMatching(new RegExp(`^${kept}/.*-${uid}$`)),
        real: expect.stringMatching(new RegExp(`^${kept}/.*-0$`)),
        may: false,
        size: 7,
      })
    }
  },
)

test.runIf(isRoot)(
  'what has taken the place of a folder that was cleaned up is not used, and another is made',
  async () => {
    const command = [nodeFile, join(folder(), 'program.ts')] as const
    const shared = new SharedCode({ programs, clock: systemClock, command })
    onTestFinished(() => shared.close())
    await shared.ready()
    const before = shared.variablesFor(8123).get('NODE_COMPILE_CACHE') ?? 'none'
    rmSync(before, { recursive: true })
    mkdirSync(before)
    onTestFinished(() => rmSync(before, { recursive: true }))
    chownSync(before, 8124, 8124)
    expect(shared.variablesFor(8123)).toEqual(new Map())
    await shared.ready()
    expect(shared.variablesFor(8123).get('NODE_COMPILE_CACHE')).not.toBe(before)
    expect(shared.variablesFor(8123).size).toBe(1)
  },
)

test.runIf(isRoot)('what a process that was killed has left goes with the next one', async () => {
  const { pid: gone } = spawnSync('true')
  const leftOf = (pid: number, owner = 0): string => {
    const path = mkdtempSync(join(tmpdir(), `postern-code-${pid}-`))
    onTestFinished(() => rmSync(path, { recursive: true, force: true }))
    chownSync(path, owner, owner)
    return path
  }
  const [left, used, others] = [leftOf(gone), leftOf(process.ppid), leftOf(gone, 8124)]
  writeFileSync(join(left, 'compiled'), '')
  const shared = new SharedCode({ programs, clock: systemClock, command: ['/nowhere/node'] })
  await shared.ready()
  expect([left, used, others].map((path) => existsSync(path))).toEqual([false, true, true])
})

test('without a program there is nothing to share', async () => {
  const shared = new SharedCode({ programs, clock: systemClock, command: ['/nowhere/node'] })
  await shared.ready()
  expect(shared.variablesFor(8123)).toEqual(new Map())
})
