import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LogOutputSettings } from '../config/log-section.ts'
import { SupervisorLog } from './supervisor-log.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'postern-log-'))
})
afterEach(() => rm(root, { recursive: true }))

function folder(name: string): LogOutputSettings {
  const to = join(root, name)
  return { level: 'info', format: 'json', to, stamps: true, folder: { files: 5, fileBytes: 9999 } }
}

const modeOf = async (...path: readonly string[]) => (await stat(join(root, ...path))).mode & 0o7777

test('a place that a restart adds is closed to others before anybody writes, and finished at the end like the first', async () => {
  const log = new SupervisorLog()
  ;(await log.prepare({ outputs: [folder('first')] }))()
  log.info('one')
  const restarted = await log.prepare({ outputs: [folder('second')] })
  expect(await modeOf('second')).toBe(0o700)
  log.info('two')
  restarted()
  log.info('three')
  await log.close()
  const eventsIn = async (name: string) =>
    (await readFile(join(root, name, 'current'), 'utf8')).match(/(?<="event":")\w+/g)
  expect(await eventsIn('first')).toEqual(['one', 'two'])
  expect(await eventsIn('second')).toEqual(['three'])
  expect([await modeOf('first', 'current'), await modeOf('second', 'current')]).toEqual([
    0o744, 0o744,
  ])
})

test('what is written to since the start is not set aside by a restart, as what a crash has left is', async () => {
  const log = new SupervisorLog()
  await log.prepare({ outputs: [folder('kept')] })
  await writeFile(join(root, 'kept/current'), 'of a worker\n')
  await log.prepare({ outputs: [folder('kept')] })
  expect(await readdir(join(root, 'kept'))).toEqual(['current'])
  await log.close()
})

test('a place whose level a restart changes is written by the new one', async () => {
  const log = new SupervisorLog()
  ;(await log.prepare({ outputs: [folder('one')] }))()
  log.info('before')
  ;(await log.prepare({ outputs: [{ ...folder('one'), level: 'error' }] }))()
  log.info('quiet')
  log.error('loud')
  await log.close()
  const text = await readFile(join(root, 'one/current'), 'utf8')
  expect(text.match(/(?<="event":")\w+/g)?.toSorted()).toEqual(['before', 'loud'])
})
