/** What a .qmail file, or what it names, may be instead of what it should be. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { qmailHome, type QmailHome } from './qmail-home.ts'

let home: QmailHome

beforeEach(() => {
  home = qmailHome()
})
afterEach(() => home.remove())

function maildir(name: string, maildirsize?: string): string {
  const path = join(home.path, name)
  for (const part of ['', 'tmp', 'new', 'cur']) mkdirSync(join(path, part))
  if (maildirsize !== undefined) writeFileSync(join(path, 'maildirsize'), maildirsize)
  return path
}

describe('a Maildir with a maildirsize', () => {
  test('takes mail as long as there is room, and writes down what came', async () => {
    const path = maildir('Box', '300S,2C\n0 0\n')
    expect(await home.deliver('./Box/\n')).toEqual({ rc: 0, report: 'did 1+0+0\n' })
    const [name = ''] = readdirSync(join(path, 'new'))
    const [, size = ''] = /,S=(\d+),/.exec(name) ?? []
    expect(readFileSync(join(path, 'maildirsize'), 'latin1')).toBe(`300S,2C\n0 0\n${size} 1\n`)
  })

  test('that is full refuses for good: by bytes, and by messages', async () => {
    const full = {
      rc: 100,
      report: "Recipient's mailbox is full, message returned to sender. (#5.2.2)\n",
    }
    maildir('Bytes', '100S\n')
    expect(await home.deliver('./Bytes/\n')).toEqual(full)
    const path = maildir('Count', '1C\n')
    expect((await home.deliver('./Count/\n')).rc).toBe(0)
    expect(await home.deliver('./Count/\n')).toEqual(full)
    expect(readdirSync(join(path, 'new'))).toHaveLength(1)
  })

  test('that is not true is counted anew before anybody is turned away', async () => {
    const path = maildir('Box', '1000S,5C\n999 5\n0 0\n')
    expect((await home.deliver('./Box/\n')).rc).toBe(0)
    expect(readFileSync(join(path, 'maildirsize'), 'latin1')).toMatch(/^1000S,5C\n0 0\n\d+ 1\n$/)
  })

  test('that says nothing, or is no file, limits nothing', async () => {
    for (const [at, text] of ['', 'NOQUOTA\n', '0S\n', 'x'.repeat(9000), '\0\xff\n'].entries()) {
      maildir(`Box${at}`, text)
      // oxlint-disable-next-line no-await-in-loop -- one home
      expect((await home.deliver(`./Box${at}/\n`)).rc).toBe(0)
    }
    execFileSync('mkfifo', [join(maildir('Pipe'), 'maildirsize')])
    expect((await home.deliver('./Pipe/\n')).rc).toBe(0)
  })
})

test('a .qmail file that is a FIFO keeps nobody waiting: it is no file', async () => {
  maildir('Box')
  execFileSync('mkfifo', [join(home.path, '.qmail-ext-pipe')])
  writeFileSync(join(home.path, '.qmail-ext-default'), './Box/\n')
  expect((await home.deliver('./Box/\n', undefined, undefined, 'ext-pipe')).rc).toBe(0)
})

test('an address that is too long for a queue is never forwarded to', async () => {
  expect(await home.deliver(`&${'a'.repeat(1003)}\n`)).toEqual({
    rc: 100,
    report: 'Unable to forward message: envelope address too long for qq (#5.1.3).\n',
  })
})
