/** `postern local` as root's gateway starts it: a process that may be ended while the owner's own program runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { checkout } from './started-gateway.ts'

test('ending a delivery ends the program of the .qmail file, and all that it started', async () => {
  const home = mkdtempSync(join(tmpdir(), 'postern-local-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  const started = join(home, 'started')
  writeFileSync(
    join(home, '.qmail'),
    `|sleep 300 & echo $$ $! >${started}.tmp; mv ${started}.tmp ${started}; wait\n`,
  )
  const about = ['joe', home, 'joe', '', '', 'postern.test', 'ann@client.test', './Mailbox']
  const local = spawn(join(checkout, 'bin/postern'), ['local', '--', ...about], {
    stdio: ['pipe', 'inherit', 'pipe'],
  })
  const closed = once(local, 'close')
  local.stdin.end('Subject: hi\n\nhello\n')
  await vi.waitFor(() => expect(existsSync(started)).toBe(true), { timeout: 30_000 })
  const programs = readFileSync(started, 'latin1').trim().split(' ').map(Number)
  expect(programs.filter(isAlive)).toHaveLength(2)

  local.kill('SIGTERM')

  const report = (await Array.fromAsync(local.stderr)).join('')
  expect(await closed).toEqual([111, null])
  expect(report).toContain('The program took too long')
  await vi.waitFor(() => expect(programs.filter(isAlive)).toEqual([]), { timeout: 30_000 })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
