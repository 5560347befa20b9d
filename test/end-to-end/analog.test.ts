/** `postern analog` and the programs beside it, as somebody types them. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkout, runPostern, runProgram } from './started-gateway.ts'

const log = join(checkout, 'test/fixtures/analog/send.log')
let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'postern-analog-'))))
afterAll(async () => rm(folder, { recursive: true }))

test(
  'prints the reports that are asked for, of a log of any form',
  { timeout: 60_000 },
  async () => {
    const text = await readFile(log)
    const half = text.indexOf('\n', text.length / 2) + 1
    const kept = join(folder, 'kept')
    await mkdir(kept)
    await writeFile(join(kept, '@400000006b01f2c600000000.s'), gzipSync(text.subarray(0, half)))
    await writeFile(join(kept, 'current'), text.subarray(half))
    const asked = ['--json', '--report', 'zoverall,zhosts,ddist']
    const whole = await runPostern(['analog', log, ...asked])
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(whole.stdout)).toMatchObject({
      overall: { success: 73, failure: 39, deferral: 72 },
    })
    expect((await runPostern(['analog', kept, ...asked])).stdout).toBe(whole.stdout)
    expect((await runPostern(['analog', ...asked], text.toString())).stdout).toBe(whole.stdout)

    const table = await runPostern(['analog', log, '-r', 'failures,zrhosts', '-n', '2'])
    expect(table.stdout).toContain(
      'del  xdelay  reason\n 39  208.11  Sorry, no mailbox here by that name.',
    )
    expect(table.stdout).toMatch(/^and \d more$/m)
    const page = await runPostern(['analog', log, '--html'])
    expect(page.stdout).toMatch(/^<!doctype html>[^]*<svg [^]*<\/html>\n$/)
  },
)

test('says no to a log without mail, and what is wrong with its words', async () => {
  expect(await runPostern(['analog'], 'hello\n')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('No delivery was found'),
  })
  expect(await runPostern(['analog', join(folder, 'none')])).toMatchObject({ code: 1 })
  expect(await runPostern(['analog', '--report', 'zwhat'])).toMatchObject({ code: 2 })
})

test('matchup takes the place of the original, with what is pending on descriptor 5', async () => {
  const pending = join(folder, 'pending')
  const { stdout, code } = await runProgram('/bin/sh', [
    '-c',
    `exec "${join(checkout, 'bin/postern')}" matchup < "${log}" 5> "${pending}"`,
  ])
  expect(code).toBe(0)
  expect(stdout).toBe(await readFile(`${log.replace('send.log', 'matchup.out')}`, 'utf8'))
  expect(await readFile(pending, 'utf8')).toContain(' info msg ')
  expect((await runPostern(['matchup', log])).code).toBe(0)
})

test('tai64nlocal makes labels readable and leaves the rest', async () => {
  const { stdout } = await runProgram(join(checkout, 'bin/postern'), ['tai64nlocal'], {
    input: '@400000003b9aca0d00000bb8 one\ntwo\n',
    env: { TZ: 'UTC' },
  })
  expect(stdout).toBe('2001-09-09 01:46:43.000003000 one\ntwo\n')
})
