/** fastforward, dot-forward and their tables, in lines of .qmail files. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { qmailHome, type QmailHome } from './qmail-home.ts'
import { checkout, runProgram, type Run } from './started-gateway.ts'

let qmail: QmailHome
beforeEach(() => {
  qmail = qmailHome()
  mkdirSync(join(qmail.path, 'control'))
  write('control/me', 'me.postern.test\n')
})
afterEach(() => qmail.remove())

function write(name: string, text: string): void {
  writeFileSync(join(qmail.path, name), text, 'latin1')
}

async function shell(line: string): Promise<Run> {
  const script = `PATH=${join(checkout, 'bin')}:$PATH; POSTERN_CONFIG=.; export POSTERN_CONFIG; ${line}`
  return runProgram('/bin/sh', ['-c', script], { cwd: qmail.path })
}

describe('setforward, printforward and newaliases', () => {
  test('make tables and show them', async () => {
    write('text', 'root: &joe, |echo\\ hi;\nlist: ?own@h, z@w;\n')
    expect(
      await shell('postern setforward t.cdb t.tmp <text && postern printforward <t.cdb'),
    ).toEqual({
      code: 0,
      stdout: 'root:\n, &joe\n, |echo\\ hi\n;\nlist: ?own@h;\nlist:\n, &z@w\n;\n',
      stderr: '',
    })
    write('aliases', 'a: b\n')
    expect(await shell('postern newaliases aliases && postern printforward <aliases.cdb')).toEqual({
      code: 0,
      stdout: 'a@:\n, &b@me.postern.test\n;\n',
      stderr: '',
    })
  })

  test('leave the old table where there is a mistake', async () => {
    write('t.cdb', 'old')
    write('text', 'root: joe')
    expect(await shell('postern setforward t.cdb t.tmp <text')).toEqual({
      code: 100,
      stdout: '',
      stderr: 'setforward: fatal: final instruction must end with semicolon\n',
    })
    expect(qmail.left('t.cdb')).toBe('old')
    expect(await shell('postern printforward <t.cdb')).toMatchObject({ code: 100 })
    expect(await shell('postern newinclude nolist')).toEqual({
      code: 111,
      stdout: '',
      stderr: 'newinclude: fatal: unable to read nolist: file does not exist\n',
    })
  })
})

describe('fastforward', () => {
  const line = '|postern fastforward table\n'

  test('expands a recipient by its table, each address once', async () => {
    write('table', 'joe-ext@: &team, &ann@x.test; team: &ann@x.test, &joe@y.test;\n')
    expect(await qmail.deliver(line)).toEqual({ rc: 0, report: 'fastforward: qp N\ndid 0+0+1\n' })
    expect(qmail.left('envelopes')).toBe('Falice@client.test\0Tjoe@y.test\0Tann@x.test\0\0')
    expect(qmail.left('queued')).toMatch(/^Delivered-To: joe-ext@postern\.test\nFrom: alice/)
  })

  test('takes the whole address before its host, and that before its name', async () => {
    write('table', 'joe-ext@: &byname; @postern.test: &byhost;\n')
    await qmail.deliver(line)
    write('table', 'joe-ext@: &byname; @postern.test: &byhost; JOE-ext@postern.test: &byboth;\n')
    await qmail.deliver(line)
    expect(qmail.left('envelopes').match(/T[^\0]*/g)).toEqual(['Tbyhost', 'Tbyboth'])
  })

  test('sends as the owner of the list', async () => {
    write('table', 'joe-ext@: ?own@h.test, &a@x.test;\n')
    await qmail.deliver(line)
    expect(qmail.left('envelopes')).toBe('Fown@h.test\0Ta@x.test\0\0')
    await qmail.deliver(line, undefined, '')
    expect(qmail.left('envelopes')).toContain('F\0Ta@x.test\0\0')
  })

  test('knows nobody else, or leaves them to the next line', async () => {
    write('table', 'other: &a;\n')
    expect(await qmail.deliver(line)).toEqual({
      rc: 100,
      report: 'Sorry, no mailbox here by that name. (#5.1.1)\n',
    })
    const passing = '|postern fastforward -p table\n./Mailbox\n'
    expect(await qmail.deliver(passing)).toEqual({ rc: 0, report: 'did 1+0+1\n' })
    write('table', 'joe-ext@: &a;\n')
    const found = { rc: 0, report: 'fastforward: qp N\ndid 0+0+1\n' }
    expect(await qmail.deliver(passing)).toEqual(found)
  })

  test('runs programs, each with the whole message, and ends as they do', async () => {
    write('table', 'joe-ext@: |cat\\ >plain, !cat\\ >lines;\n')
    expect(await qmail.deliver(line)).toEqual({ rc: 0, report: 'did 0+0+1\n' })
    expect(qmail.left('plain')).toMatch(/^From: alice/)
    expect(qmail.left('lines')).toMatch(
      /^From alice\S* .*\nReturn-Path: .*\nDelivered-To: .*\nFrom: /,
    )
    write('table', 'joe-ext@: &a, |exit\\ 77;\n')
    expect(await qmail.deliver(line)).toMatchObject({ rc: 100 })
    write('table', 'joe-ext@: &a, |exit\\ 1;\n')
    expect(await qmail.deliver(line)).toMatchObject({ rc: 111 })
    expect(existsSync(join(qmail.path, 'queued'))).toBe(false)
  })

  test('reads lists that newinclude made, if everybody may read them', async () => {
    write('aliases', 'joe-ext: :include:./list\n')
    write('list', 'ann@x.test, :include:./more\n')
    write('more.bin', '')
    write('more', '')
    await shell('postern newaliases aliases && postern newinclude list')
    const byCdb = '|postern fastforward aliases.cdb\n'
    expect(await qmail.deliver(byCdb)).toMatchObject({ rc: 0 })
    expect(qmail.left('envelopes')).toContain('Tann@x.test\0')
    chmodSync(join(qmail.path, 'list.bin'), 0o600)
    expect(await qmail.deliver(byCdb)).toEqual({
      rc: 111,
      report: 'fastforward: fatal: ./list.bin is not world-readable\n',
    })
  })

  test('bounces what aliases only hand to each other; a list of nobody takes it', async () => {
    write('table', 'joe-ext@: &a@h; a@h: &b@h; b@h: &A@h;\n')
    expect(await qmail.deliver(line)).toEqual({
      rc: 100,
      report: 'fastforward: fatal: this address leads to nobody but itself (#5.4.6)\n',
    })
    write('empty.bin', '')
    write('table', 'joe-ext@: &a@h, &a@h; a@h: ./empty.bin;\n')
    expect(await qmail.deliver(line)).toMatchObject({ rc: 0 })
  })

  test('waits where a list, or the table itself, is no file: of a FIFO nothing can be read', async () => {
    execFileSync('mkfifo', ['-m', '0644', join(qmail.path, 'fifo.bin')])
    write('table', 'joe-ext@: ./fifo.bin;\n')
    expect(await qmail.deliver(line)).toEqual({
      rc: 111,
      report: 'fastforward: fatal: ./fifo.bin is no file\n',
    })
    expect(await qmail.deliver('|postern fastforward fifo.bin\n')).toEqual({
      rc: 111,
      report: 'fastforward: fatal: fifo.bin is no file\n',
    })
  })

  test('reads /etc/aliases as it stands', async () => {
    write('aliases', 'joe-ext: ann@x.test, bob\n')
    expect(await qmail.deliver('|postern fastforward aliases\n')).toMatchObject({ rc: 0 })
    expect(qmail.left('envelopes')).toContain('Tbob@me.postern.test\0Tann@x.test\0')
  })

  test('with -n says what it would do, and with -d whom it is for', async () => {
    write('table', 'x@: ?own@h, &a@x.test, |prog;\n')
    const dryRun = '|DEFAULT=x postern fastforward -nd table\n'
    expect(await qmail.deliver(dryRun)).toEqual({
      rc: 0,
      report: 'run |prog\nfrom <own@h>\nto <a@x.test>\ndid 0+0+1\n',
    })
  })

  test('waits where its table is damaged or missing', async () => {
    write('bad.cdb', 'short')
    expect(await qmail.deliver('|postern fastforward bad.cdb\n')).toMatchObject({ rc: 111 })
    expect(await qmail.deliver('|postern fastforward no.cdb\n')).toEqual({
      rc: 111,
      report: 'fastforward: fatal: unable to read no.cdb: file does not exist\n',
    })
    expect(await qmail.deliver('|postern fastforward\n')).toMatchObject({ rc: 100 })
  })
})

describe('dot-forward', () => {
  const lines = '|postern dot-forward .forward\n./Mailbox\n'

  test('forwards, and the next line has nothing more to do', async () => {
    write('.forward', '# away\nann@x.test, Bob <bob@y>\ncarol\n')
    expect(await qmail.deliver(lines)).toEqual({ rc: 0, report: 'dot-forward: qp N\ndid 0+0+1\n' })
    expect(qmail.left('envelopes')).toBe(
      'Falice@client.test\0Tbob@y.me.postern.test\0Tann@x.test\0Tcarol@me.postern.test\0\0',
    )
  })

  test.each(['joe', '\\joe', 'JOE@postern.test'])('with %s in it delivers as well', async (own) => {
    write('.forward', `${own}, ann@x.test\n`)
    expect(await qmail.deliver(lines)).toEqual({ rc: 0, report: 'dot-forward: qp N\ndid 1+0+1\n' })
    expect(qmail.left('envelopes')).toContain('Tann@x.test\0\0')
  })

  test('that says nothing, or is not there, leaves it to the next line', async () => {
    expect(await qmail.deliver(lines)).toEqual({ rc: 0, report: 'did 1+0+1\n' })
    write('.forward', '# nothing\n\n')
    expect(await qmail.deliver(lines)).toEqual({ rc: 0, report: 'did 1+0+1\n' })
  })

  test('pipes through programs, with three lines on top', async () => {
    write('.forward', '"|cat >piped; exit 0"\n')
    expect(await qmail.deliver(lines)).toEqual({ rc: 0, report: 'did 0+0+1\n' })
    expect(qmail.left('piped')).toMatch(
      /^From alice\S* .*\nReturn-Path: .*\nDelivered-To: .*\nFrom: /,
    )
    write('.forward', '"|exit 65"\n')
    expect(await qmail.deliver(lines)).toMatchObject({ rc: 100 })
    write('.forward', '"|exit 75"\n')
    expect(await qmail.deliver(lines)).toMatchObject({ rc: 111 })
  })

  test('writes into no files, and includes none', async () => {
    for (const text of ['/file', ':include:/file']) {
      write('.forward', `${text}\n`)
      expect(await qmail.deliver(lines)).toEqual({
        rc: 111,
        report: 'dot-forward: fatal: file delivery /file not supported\n',
      })
    }
    write('.forward', '"open\n')
    expect(await qmail.deliver(lines)).toMatchObject({ rc: 111 })
  })

  test('with -n says what it would do', async () => {
    write('.forward', 'ann@x.test, "|prog y", joe\n')
    expect(await qmail.deliver('|postern dot-forward -n .forward\n')).toEqual({
      rc: 0,
      report: 'pipe through prog y\nforward ann@x.test\ndirect delivery\ndid 0+0+1\n',
    })
  })

  test('fails as the queue does', async () => {
    write('.forward', 'ann@x.test\n')
    qmail.queueThatExits(53)
    expect(await qmail.deliver(lines)).toEqual({
      rc: 111,
      report:
        'dot-forward: fatal: unable to forward message: qq write error or disk full (#4.3.0)\n',
    })
  })
})
