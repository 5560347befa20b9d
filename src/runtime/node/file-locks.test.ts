import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemFileLocks } from './file-locks.ts'

function mailbox(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-locks-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'mbox')
}

/** What another program on this host gets that asks for the lock and does not wait. */
async function canLock(path: string): Promise<boolean> {
  const [code]: unknown[] = await once(spawn('flock', ['-n', path, 'true']), 'exit')
  return code === 0
}

test('a locked mailbox is locked for other programs, until it is released', async () => {
  const path = mailbox()
  const lock = await systemFileLocks.take(path, 1000)
  expect(await canLock(path)).toBe(false)
  await lock.release()
  expect(await canLock(path)).toBe(true)
})

test('a mailbox that another program has locked is waited for', async () => {
  const path = mailbox()
  const holder = spawn('flock', [path, 'sh', '-c', 'echo mine; read line'])
  await once(holder.stdout, 'data')
  const taken = systemFileLocks.take(path, 20_000)
  holder.stdin.end('\n')
  const lock = await taken
  expect(await canLock(path)).toBe(false)
  await lock.release()
})

test('a FIFO that nobody reads is not waited for', async () => {
  const path = mailbox()
  execFileSync('mkfifo', [path])
  await expect(systemFileLocks.takeMbox(path, 1000)).rejects.toMatchObject({ code: 'DISK_FAILED' })
})

test('waiting for a mailbox ends', async () => {
  const path = mailbox()
  const lock = await systemFileLocks.take(path, 1000)
  await expect(systemFileLocks.take(path, 10)).rejects.toMatchObject({ code: 'TIMEOUT' })
  await lock.release()
})

test('a mailbox that there is not is made, for its owner alone', async () => {
  const path = mailbox()
  const lock = await systemFileLocks.take(path, 1000)
  await lock.release()
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('a link in place of a lock leads nowhere, for whoever wants none', async () => {
  const path = mailbox()
  symlinkSync(`${path}.elsewhere`, path)
  await expect(systemFileLocks.take(path, 1000, true)).rejects.toMatchObject({
    code: 'DISK_FAILED',
  })
  expect(existsSync(`${path}.elsewhere`)).toBe(false)
  await (await systemFileLocks.take(path, 1000)).release()
  expect(existsSync(`${path}.elsewhere`)).toBe(true)
})

test('of an mbox that a mail reader replaces while we wait, what has its name then is locked', async () => {
  const path = mailbox()
  writeFileSync(path, 'old')
  writeFileSync(`${path}.lock`, '')
  const taken = systemFileLocks.takeMbox(path, 20_000)
  // Ours as soon as nobody else can take it: now we wait for the other lock.
  while (await canLock(path));
  writeFileSync(`${path}.new`, 'new')
  renameSync(`${path}.new`, path)
  unlinkSync(`${path}.lock`)
  const lock = await taken
  expect(await canLock(path)).toBe(false)
  await lock.release()
  expect(await canLock(path)).toBe(true)
})

test('an mbox that is removed while we wait is made anew, and locked', async () => {
  const path = mailbox()
  writeFileSync(path, 'old')
  writeFileSync(`${path}.lock`, '')
  const taken = systemFileLocks.takeMbox(path, 20_000)
  while (await canLock(path));
  unlinkSync(path)
  unlinkSync(`${path}.lock`)
  const lock = await taken
  expect(await canLock(path)).toBe(false)
  await lock.release()
})

test('those who wait for an mbox that is replaced all get it, one after the other', async () => {
  const path = mailbox()
  writeFileSync(path, 'old')
  writeFileSync(`${path}.lock`, '')
  const done: string[] = []
  const turn = async (name: string): Promise<void> => {
    const lock = await systemFileLocks.takeMbox(path, 20_000)
    done.push(name)
    await lock.release()
  }
  const before = [turn('a'), turn('b')]
  while (await canLock(path));
  writeFileSync(`${path}.new`, 'new')
  renameSync(`${path}.new`, path)
  // Somebody who locks the new file and waits for the other lock, as one of those does who had locked the old one.
  const after = turn('c')
  while (await canLock(path));
  unlinkSync(`${path}.lock`)
  await Promise.all([...before, after])
  expect(done.toSorted()).toEqual(['a', 'b', 'c'])
})
