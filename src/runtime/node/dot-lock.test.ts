import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { takeDotLock } from './dot-lock.ts'

function mbox(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-dot-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'm'), '')
  return join(folder, 'm')
}

test('the lock of an mbox is a file beside it, until it is let go', async () => {
  const path = mbox()
  const lock = await takeDotLock(path, 0)
  expect(existsSync(`${path}.lock`)).toBe(true)
  await expect(takeDotLock(path, 0)).rejects.toMatchObject({ code: 'TIMEOUT' })
  await lock.release()
  expect(existsSync(`${path}.lock`)).toBe(false)
})

test('who comes meanwhile waits, and has it next', async () => {
  const path = mbox()
  const first = await takeDotLock(path, 0)
  const second = takeDotLock(path, 60_000)
  await first.release()
  await (await second).release()
  expect(existsSync(`${path}.lock`)).toBe(false)
})

test('one that somebody left behind is taken away', async () => {
  const path = mbox()
  writeFileSync(`${path}.lock`, '')
  utimesSync(`${path}.lock`, 1, 1)
  await (await takeDotLock(path, 60_000)).release()
  expect(existsSync(`${path}.lock`)).toBe(false)
})

test('beside what is no file, or where nothing can be written, there is none', async () => {
  await (await takeDotLock('/dev/null', 0)).release()
  await (await takeDotLock('/proc/version', 0)).release()
  expect(existsSync('/dev/null.lock')).toBe(false)
})

test('beside a file whose name has no room for more there is none', async () => {
  const path = join(mbox(), '..', 'm'.repeat(252))
  writeFileSync(path, '')
  await (await takeDotLock(path, 0)).release()
  expect(existsSync(path)).toBe(true)
})
