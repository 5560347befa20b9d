/** The programs that stand in lines of .qmail files, as such a line runs them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { verbs } from '../../src/cli/verbs.ts'
import { qmailHome, type QmailHome } from './qmail-home.ts'
import { checkout, runProgram } from './started-gateway.ts'

let qmail: QmailHome
let home = ''
beforeEach(() => {
  qmail = qmailHome()
  home = qmail.path
})
afterEach(() => qmail.remove())

const deliver: QmailHome['deliver'] = (...call) => qmail.deliver(...call)
const left = (name: string): string => qmail.left(name)

describe('forward', () => {
  test('sends the message on, with a Delivered-To line on top', async () => {
    const { rc, report } = await deliver('|postern forward a@b.test c\n')
    expect({ rc, report }).toEqual({ rc: 0, report: 'forward: qp N\ndid 0+0+1\n' })
    expect(left('envelopes')).toBe('Falice@client.test\0Ta@b.test\0Tc\0\0')
    expect(left('queued')).toBe(
      'Delivered-To: joe-ext@postern.test\nFrom: alice@client.test\nSubject: hi\n\nline\n',
    )
  })

  test('sends as the owner where there is one', async () => {
    writeFileSync(join(home, '.qmail-ext-owner'), '')
    await deliver('|postern forward a@b.test\n')
    expect(left('envelopes')).toBe('Fjoe-ext-owner@postern.test\0Ta@b.test\0\0')
  })

  test('fails as the queue does: for good, or for now', async () => {
    qmail.queueThatExits(31)
    expect(await deliver('|postern forward a@b.test\n')).toEqual({
      rc: 100,
      report: 'forward: fatal: mail server permanently rejected message (#5.3.0)\n',
    })
    qmail.queueThatExits(53)
    expect(await deliver('|postern forward a@b.test\n')).toMatchObject({ rc: 111 })
  })
})

describe('condredirect', () => {
  test('ends the delivery where its program says yes, having read the message', async () => {
    const lines = '|postern condredirect new@addr.test grep -q ^Subject\n./Mailbox\n'
    const { rc, report } = await deliver(lines)
    expect({ rc, report }).toEqual({ rc: 0, report: 'condredirect: qp N\ndid 0+0+1\n' })
    expect(left('envelopes')).toBe('Falice@client.test\0Tnew@addr.test\0\0')
    expect(left('queued')).toContain('Subject: hi\n\nline\n')
    expect(existsSync(join(home, 'Mailbox'))).toBe(false)
  })

  test('does nothing where the program says no, or there is none', async () => {
    const lines = '|postern condredirect a@b.test false\n|postern condredirect a@b.test no-such\n'
    expect(await deliver(lines)).toEqual({ rc: 0, report: 'did 0+0+2\n' })
    expect(existsSync(join(home, 'queued'))).toBe(false)
  })

  test('defers where the program cannot tell now', async () => {
    expect(await deliver("|postern condredirect a@b.test sh -c 'exit 111'\n")).toEqual({
      rc: 111,
      report: 'condredirect: fatal: temporary child error\n',
    })
  })
})

describe('bouncesaying and except', () => {
  test('bouncesaying refuses with its text', async () => {
    expect(await deliver("|postern bouncesaying 'Nobody here.'\n")).toEqual({
      rc: 100,
      report: 'Nobody here.\n',
    })
  })

  test('bouncesaying asks its program, which reads the message', async () => {
    expect(await deliver("|postern bouncesaying no grep -q '^Subject: hi'\n")).toMatchObject({
      rc: 100,
    })
    expect(await deliver("|postern bouncesaying no grep -q '^Subject: ho'\n")).toMatchObject({
      rc: 0,
    })
    const killed = "|postern bouncesaying no sh -c 'kill -9 $$'\n"
    expect(await deliver(killed)).toEqual({
      rc: 111,
      report: 'bouncesaying: fatal: child crashed\n',
    })
  })

  test('except turns yes into no, and leaves doubt as it is', async () => {
    expect(await deliver('|postern except true\n')).toMatchObject({ rc: 100 })
    expect(await deliver("|postern except sh -c 'exit 100'\n")).toMatchObject({ rc: 0 })
    expect(await deliver("|postern except sh -c 'exit 111'\n")).toEqual({
      rc: 111,
      report: 'except: fatal: temporary child error\n',
    })
  })

  test('together they are a rule', async () => {
    const lines =
      "|postern bouncesaying 'Members only.' postern except grep -q '^From: alice'\n./Mailbox\n"
    expect(await deliver(lines)).toEqual({ rc: 0, report: 'did 1+0+1\n' })
    expect(await deliver(lines, 'From: eve@x\n\n')).toEqual({ rc: 100, report: 'Members only.\n' })
  })
})

describe('preline', () => {
  test('puts three lines on top, or fewer', async () => {
    await deliver('|postern preline sh -c "cat >all"\n|postern preline -fr sh -c "cat >one"\n')
    expect(left('all')).toMatch(
      /^From alice@client\.test .*\nReturn-Path: <alice@client\.test>\nDelivered-To: joe-ext@postern\.test\nFrom: /,
    )
    expect(left('one')).toMatch(/^Delivered-To: joe-ext@postern\.test\nFrom: alice/)
  })

  test("ends with its program's exit code", async () => {
    expect(await deliver("|postern preline sh -c 'exit 99'\n./Mailbox\n")).toEqual({
      rc: 0,
      report: 'did 0+0+1\n',
    })
    expect(await deliver('|postern preline no-such-program\n')).toEqual({
      rc: 100,
      report: 'preline: fatal: unable to run no-such-program: file does not exist\n',
    })
    expect(await deliver('|postern preline\n')).toEqual({
      rc: 100,
      report: 'preline: usage: preline cmd [ arg ... ]\n',
    })
  })

  test('feeds a program that does not read to the end', async () => {
    const message = `Subject: large\n\n${'x'.repeat(70)}\n`.padEnd(3_000_000, 'line\n')
    expect(await deliver('|postern preline true\n', message)).toMatchObject({ rc: 0 })
  })
})

describe('predate and datemail', () => {
  test('put a Date field on top, in local time', async () => {
    await deliver('|TZ=Asia/Kolkata postern predate sh -c "cat >dated"\n')
    expect(left('dated')).toMatch(
      /^Date: \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0530\nFrom: alice/,
    )
    const [date = ''] = left('dated').slice(6).split('\n')
    expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(60_000)
  })

  test('datemail queues what it is given', async () => {
    expect(
      await deliver(
        '|env -u POSTERN_CONFIG postern datemail -falice@client.test bob@postern.test\n',
      ),
    ).toMatchObject({
      rc: 0,
    })
    expect(left('envelopes')).toContain('Tbob@postern.test\0')
    expect(left('queued')).toMatch(/^Date: .* [+-]\d{4}$/m)
  })
})

describe('qreceipt', () => {
  const asks =
    'Notice-Requested-Upon-Delivery-To: Joe <joe-ext@postern.test>, eve@x\nMessage-ID: <1@client.test>\n\nline\n'

  test('tells the sender, if the message asks for its address', async () => {
    expect(await deliver('|postern qreceipt joe-ext@postern.test\n', asks)).toMatchObject({ rc: 0 })
    expect(left('envelopes')).toBe('F\0Talice@client.test\0\0')
    expect(left('queued')).toBe(
      [
        'From: DELIVERY NOTICE SYSTEM <alice@client.test>',
        'To: <alice@client.test>',
        'Subject: success notice',
        '',
        'Hi! This is the qreceipt program. Your message was delivered to the',
        'following address: joe-ext@postern.test. Thanks for asking.',
        'Your Message-ID: <1@client.test>',
        '',
      ].join('\n'),
    )
  })

  test('says nothing of another address, to nobody, or where nothing was asked', async () => {
    await deliver('|postern qreceipt joe@postern.test\n', asks)
    await deliver('|postern qreceipt joe-ext@postern.test\n', asks, '')
    await deliver('|postern qreceipt joe-ext@postern.test\n', 'Subject: x\n\n')
    expect(existsSync(join(home, 'queued'))).toBe(false)
  })
})

describe('maildirmake and safecat', () => {
  test('make a Maildir, and a file in it', async () => {
    const lines = '|postern maildirmake Maildir && postern safecat Maildir/tmp Maildir/new\n'
    const { rc, report } = await deliver(lines)
    expect(rc).toBe(0)
    const [name = ''] = readdirSync(join(home, 'Maildir/new'))
    expect(report).toBe(`${name}\ndid 0+0+1\n`)
    expect(name).toMatch(/^\d{10}\.M\d+P\d+\./)
    expect(left(`Maildir/new/${name}`)).toBe('From: alice@client.test\nSubject: hi\n\nline\n')
    expect(readdirSync(join(home, 'Maildir/tmp'))).toEqual([])
    expect(statSync(join(home, 'Maildir/cur')).mode & 0o777).toBe(0o700)
  })

  test('say what is in the way', async () => {
    mkdirSync(join(home, 'Maildir'))
    expect(await deliver('|postern maildirmake Maildir\n')).toEqual({
      rc: 111,
      report: 'maildirmake: fatal: unable to mkdir Maildir: file already exists\n',
    })
    expect(await deliver('|postern safecat Maildir .qmail-ext\n')).toEqual({
      rc: 111,
      report: 'safecat: fatal: not a directory\n',
    })
    expect(await deliver('|postern safecat Maildir\n')).toEqual({
      rc: 100,
      report: 'safecat: usage: safecat <tempdir> <destdir>\n',
    })
  })
})

describe('autorespond', () => {
  beforeEach(() => {
    mkdirSync(join(home, 'answered'))
    writeFileSync(join(home, 'text'), 'I am away.\n')
  })
  const line = '|postern autorespond 3600 1 text answered 1 +\n'

  test('answers a sender once, and lets the next line have the message', async () => {
    expect(await deliver(`${line}./Mailbox\n`)).toEqual({ rc: 0, report: 'did 1+0+1\n' })
    expect(left('envelopes')).toBe('F\0Talice@client.test\0\0')
    expect(left('queued')).toMatch(
      /^Date: .* -0000\nMessage-ID: <.*>\nDelivered-To: Autoresponder\n/,
    )
    expect(left('queued')).toContain(
      'Subject: Re: hi\n\nI am away.\n\n-------- Original Message --------\n\n> line\n',
    )
    expect(await deliver(`${line}./Mailbox\n`)).toEqual({
      rc: 0,
      report: 'AUTORESPOND: too many received from [alice@client.test]\ndid 1+0+1\n',
    })
    expect(left('envelopes').match(/T/g)).toHaveLength(1)
  })

  test('says nothing to bounces, lists and programs, and stops where it hears itself', async () => {
    expect(await deliver(line, undefined, '')).toMatchObject({ rc: 0 })
    expect(await deliver(line, 'Mailing-List: x\n\n')).toMatchObject({ rc: 0 })
    expect(await deliver(line, 'Auto-Submitted: auto-replied\n\n')).toMatchObject({ rc: 0 })
    expect(await deliver(line, 'Delivered-To: Autoresponder\n\n')).toMatchObject({ rc: 100 })
    expect(existsSync(join(home, 'queued'))).toBe(false)
  })
})

describe('the programs', () => {
  test('make what everybody may read, whatever the umask', async () => {
    mkdirSync(join(home, 'users'))
    writeFileSync(join(home, 'users/assign'), '.\n')
    const script = `umask 077; POSTERN_CONFIG=${home} ${join(checkout, 'bin/postern')} newu`
    const run = await runProgram('/bin/sh', ['-c', script], { cwd: home })
    expect(run).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(statSync(join(home, 'users/cdb')).mode & 0o777).toBe(0o644)
  })

  test('read /etc/passwd and make users/assign of it', async () => {
    const script = `POSTERN_CONFIG=${home} ${join(checkout, 'bin/postern')} pw2u -H -c+ <passwd`
    writeFileSync(join(home, 'passwd'), 'alias:x:7:8::/a:/bin/sh\n')
    expect(await runProgram('/bin/sh', ['-c', script], { cwd: home })).toMatchObject({
      code: 0,
      stdout: '+:alias:7:8:/a:-::\n=alias:alias:7:8:/a:::\n+alias+:alias:7:8:/a:-::\n.\n',
    })
  })

  test('list who receives mail, and write no cdb over another', async () => {
    for (const folder of ['control', 'users', 'shop']) mkdirSync(join(home, folder))
    writeFileSync(join(home, 'control/me'), 'mx.postern.test\n')
    writeFileSync(join(home, 'control/locals'), 'Postern.test\n')
    writeFileSync(
      join(home, 'control/virtualdomains'),
      'shop.test:shop\n.wild.test:shop\nj.doe@a.test:shop\n',
    )
    const shop = join(home, 'shop')
    writeFileSync(join(shop, '.qmail-sales'), '')
    writeFileSync(join(shop, '.qmail-j:doe'), '')
    writeFileSync(join(home, '.qmail-postmaster'), '')
    // Nobody looks for these: extensions are asked for in lower case, with colons.
    for (const name of ['.qmail-Sales', '.qmail-a.b']) writeFileSync(join(shop, name), '')
    // As pw2u -/ has it: the files lie in a folder.
    mkdirSync(join(home, '.qmail-'))
    writeFileSync(join(home, '.qmail-/team-default'), '')
    writeFileSync(join(home, '.qmail-/a:b'), '')
    const lines = [
      `+shop-:shop:1:1:${shop}:-::`,
      `+far-:far:1:1:${home}:-/::`,
      `+:alias:1:1:${home}:-::`,
      '.',
      '',
    ]
    writeFileSync(join(home, 'users/assign'), lines.join('\n'))
    const script = `POSTERN_CONFIG=${home} ${join(checkout, 'bin/postern')} mkvalidrcptto`
    expect(await runProgram('/bin/sh', ['-c', script], { cwd: home })).toEqual({
      code: 0,
      stdout: [
        'j.doe@a.test',
        'shop-j.doe@postern.test',
        'shop-sales@postern.test',
        'far-a.b@postern.test',
        'far-team-default@postern.test',
        'postmaster@postern.test',
        'j.doe@shop.test',
        'sales@shop.test',
        '',
      ].join('\n'),
      stderr:
        'mkvalidrcptto: warning: control/virtualdomains: .wild.test: such recipients cannot be listed\n',
    })
    const twice = `${script} -n -c v.cdb && ${script} -n -c v.cdb`
    const { code, stderr } = await runProgram('/bin/sh', ['-c', twice], { cwd: home })
    expect(code).toBe(111)
    expect(stderr).toMatch(/mkvalidrcptto: fatal: v\.cdb is there already\n$/)
    expect(readFileSync(join(home, 'v.cdb'), 'latin1')).toContain('sales@shop.test')
  })
})

test('qmail-inject ends with 111 where it can not be done now, as its callers expect', async () => {
  const inject = (env: NodeJS.ProcessEnv) =>
    runProgram(join(checkout, 'bin/qmail/qmail-inject'), [], { input: 'To: x@y.z\n\n', env })
  expect(await inject({ POSTERN_CONFIG: '/nowhere' })).toMatchObject({
    code: 111,
    stderr: expect.stringMatching(/^qmail-inject: fatal: /),
  })
  const unreadable = { POSTERN_CONFIG: join(checkout, 'config'), QMAILMFTFILE: checkout }
  expect(await inject(unreadable)).toMatchObject({
    code: 111,
    stderr: 'qmail-inject: fatal: read error\n',
  })
})

test('bin/qmail has the names that .qmail files know, each a command of ours', () => {
  const folder = join(checkout, 'bin/qmail')
  const names = readdirSync(folder)
  expect(names).toEqual(
    expect.arrayContaining(['forward', 'preline', 'dot-forward', 'qmail-inject']),
  )
  for (const name of names) {
    expect([...verbs.keys()]).toContain(name.replace('qmail-', ''))
    expect(statSync(join(folder, name)).mode & 0o111, name).toBe(0o111)
    expect(readFileSync(join(folder, name), 'utf8')).toBe(
      readFileSync(join(folder, 'forward'), 'utf8'),
    )
  }
})
