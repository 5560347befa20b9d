import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { nodeNet } from './net.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-unix-'))

afterAll(() => rmSync(folder, { recursive: true }))

function listen(path: string, socketMode?: number) {
  return nodeNet.listen({
    address: { path },
    socketMode,
    accepted: (connection) => connection.destroy(),
    failed: () => expect.fail('accepting failed'),
  })
}

/** The file that a process leaves behind which was killed. */
async function leaveBehind(path: string): Promise<void> {
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('on'))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'close')
}

test('the socket of a dead process is replaced', async () => {
  const path = join(folder, 'stale.sock')
  await leaveBehind(path)
  expect(existsSync(path)).toBe(true)
  const listener = await listen(path)
  const connection = await nodeNet.connect({ address: { path }, timeoutMs: 30_000 })
  connection.destroy()
  await listener.close()
  expect(existsSync(path)).toBe(false)
})

test('the socket of a living process is in use, and stays', async () => {
  const path = join(folder, 'alive.sock')
  const first = await listen(path)
  await expect(listen(path)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  const connection = await nodeNet.connect({ address: { path }, timeoutMs: 30_000 })
  connection.destroy()
  await first.close()
})

test('a file that is no socket is never removed', async () => {
  const path = join(folder, 'precious')
  writeFileSync(path, 'text')
  await expect(listen(path)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  expect(existsSync(path)).toBe(true)
})

test('a socket has the mode that was asked for', async () => {
  const path = join(folder, 'mode.sock')
  const listener = await listen(path, 0o660)
  expect(statSync(path).mode & 0o777).toBe(0o660)
  await listener.close()
})
