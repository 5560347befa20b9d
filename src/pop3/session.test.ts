import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { emptyEnvironment } from '../mail/environment.ts'
import { isApopDigest } from '../mail/login-secret.ts'
import type { MaildropTalk } from '../runtime/deliverer.ts'
import { ByteQueue } from '../runtime/byte-queue.ts'
import { PosternError } from '../mail/errors.ts'
import { pop3Stage, type Pop3Client, type Pop3Stage } from '../testkit/pop3-stage.ts'

const files = {
  '/mail/bob/new/100.1.h': 'Subject: one\n\n.dot\nmore\n',
  '/mail/bob/cur/200.1.h:2,S': 'Subject: two\n\nx\n',
}

async function loggedIn(stage?: Pop3Stage): Promise<Pop3Client> {
  const client = await (stage ?? (await pop3Stage(files))).dial()
  await client.heard()
  await client.say('USER bob')
  expect(await client.say('PASS secret')).toBe('+OK \r\n')
  return client
}

describe('before the login', () => {
  test.each([
    ['USER', '-ERR syntax error'],
    ['PASS secret', '-ERR USER first'],
    ['STAT', '-ERR authorization first'],
    ['RETR 1', '-ERR authorization first'],
    ['APOP bob 0123', '-ERR APOP is not offered'],
    ['AUTH CRAM-MD5', '-ERR syntax error'],
    ['USER bob', '+OK '],
    ['QUIT', '+OK '],
  ])('%s is answered with %s', async (line, answer) => {
    const client = await (await pop3Stage()).dial()
    // No timestamp in angle brackets: no back end here knows passwords in the clear.
    expect(await client.heard()).toBe('+OK mx.test POP3 ready\r\n')
    expect(await client.say(line)).toBe(`${answer}\r\n`)
    expect(client.closed).toBe(line === 'QUIT')
  })

  test('a login is PASS with all its blanks, or SASL PLAIN at once or after a +', async () => {
    const stage = await pop3Stage(files)
    await loggedIn(stage)
    const plain = Buffer.from('\0bob\0secret').toString('base64')
    const atOnce = await stage.dial()
    await atOnce.heard()
    expect(await atOnce.say(`auth plain ${plain}`)).toBe('+OK \r\n')
    const asked = await stage.dial()
    await asked.heard()
    expect(await asked.say('AUTH PLAIN')).toBe('+ \r\n')
    expect(await asked.say('*')).toBe('-ERR authentication cancelled\r\n')
    await asked.say('AUTH PLAIN')
    expect(await asked.say('AAAA=A')).toBe('-ERR syntax error\r\n')
    await asked.say('AUTH PLAIN')
    expect(await asked.say(plain)).toBe('+OK \r\n')
  })

  test('where a back end can answer it, APOP needs no password, and no TLS', async () => {
    const stage = await pop3Stage(files, { settings: { apop: true, authWithoutTls: false } })
    const [one, two] = [await stage.dial(), await stage.dial()]
    const greetings = [await one.heard(), await two.heard()]
    const stamps = greetings.map(
      (text) => /^\+OK mx\.test POP3 ready (<[^<> ]+@mx\.test>)\r\n$/.exec(text)?.[1],
    )
    expect(new Set(stamps).size).toBe(2)
    const digest = createHash('md5').update(`${stamps[0]}secret`).digest('hex')
    for (const wrong of ['APOP', 'APOP bob', `APOP  ${digest}`, `APOP bob ${digest}0`]) {
      expect(await one.say(wrong)).toBe('-ERR syntax error\r\n')
    }
    // What was said to another session is of no use here.
    expect(await two.say(`APOP bob ${digest}`)).toBe('')
    stage.clock.advance(1_000)
    expect(await two.heard()).toBe('-ERR [AUTH] authorization failed\r\n')
    expect(await one.say(`apop bob ${digest.toUpperCase()}`)).toBe('+OK \r\n')
    expect(await one.say('STAT')).toMatch(/^\+OK 2 /)
    expect(await one.say(`APOP bob ${digest}`)).toBe('-ERR unimplemented\r\n')
  })

  test('digests of APOP are those of RFC 1939 §7', () => {
    const challenge = '<1896.697170952@dbc.mtview.ca.us>'
    const digest = 'c4c9334bac560ecc979e58001b3e22fb'
    expect(isApopDigest('tanstaaf', { challenge, digest })).toBe(true)
    expect(isApopDigest('tanstaag', { challenge, digest })).toBe(false)
  })

  test('guessing takes time, more each time, and ends', async () => {
    const stage = await pop3Stage(files, {
      settings: { authWithoutTls: true, maxFailedLogins: 2 },
    })
    const client = await stage.dial()
    await client.heard()
    await client.say('USER bob')
    expect(await client.say('PASS wrong')).toBe('')
    stage.clock.advance(1_000)
    expect(await client.heard()).toBe('-ERR [AUTH] authorization failed\r\n')
    expect(await client.say('PASS secret')).toBe('-ERR USER first\r\n')
    await client.say('USER bob')
    await client.say('PASS wrong')
    stage.clock.advance(1_999)
    expect(await client.heard()).toBe('')
    stage.clock.advance(1)
    expect(await client.heard()).toBe('-ERR [AUTH] authorization failed\r\n')
    expect(client.closed).toBe(true)
  })

  test('passwords are taken behind TLS only, and what was said before it is forgotten', async () => {
    const stage = await pop3Stage(files, { settings: { authWithoutTls: false } })
    const client = await stage.dial()
    await client.heard()
    expect(await client.say('USER bob')).toMatch(/^-ERR \[SYS\/PERM\] STLS first/)
    expect(await client.say('CAPA')).toMatch(/\r\nSTLS\r\n/)
    client.send('STLS\r\nUSER mallory\r\n')
    expect(await client.heard()).toBe('+OK go ahead\r\n')
    await client.connection.startTls({
      side: 'client',
      servername: 'mx.test',
      verify: false,
      timeoutMs: 1_000,
    })
    expect(await client.say('PASS secret')).toBe('-ERR USER first\r\n')
    expect(await client.say('CAPA')).not.toMatch(/STLS/)
    expect(await client.say('STLS')).toBe('-ERR TLS is there already\r\n')
    await client.say('USER bob')
    expect(await client.say('PASS secret')).toBe('+OK \r\n')
  })

  test('who never got any mail has none, and who has no Maildir is told', async () => {
    const stage = await pop3Stage()
    for (const [user, answer] of [
      ['fresh', '+OK \r\n'],
      ['old', '-ERR this user has no $HOME/Maildir\r\n'],
      ['nobody', '-ERR this user has no $HOME/Maildir\r\n'],
    ] as const) {
      const client = await stage.dial()
      await client.heard()
      await client.say(`USER ${user}`)
      expect(await client.say('PASS secret')).toBe(answer)
    }
  })
})

describe('a mailbox', () => {
  test.each([
    ['STAT', '+OK 2 47'],
    ['LIST', '+OK \r\n1 28\r\n2 19\r\n.'],
    ['LIST 2', '+OK 2 19'],
    ['UIDL', '+OK \r\n1 100.1.h\r\n2 200.1.h\r\n.'],
    ['uidl 1', '+OK 1 100.1.h'],
    ['RETR 1', '+OK \r\nSubject: one\r\n\r\n..dot\r\nmore\r\n.'],
    ['TOP 1 1', '+OK \r\nSubject: one\r\n\r\n..dot\r\n.'],
    ['TOP 2', '+OK \r\nSubject: two\r\n\r\nx\r\n.'],
    ['RETR', '-ERR syntax error'],
    ['RETR 0', '-ERR messages are counted from 1'],
    ['RETR 3', '-ERR not that many messages'],
    ['TOP x 1', '-ERR syntax error'],
    ['LAST', '+OK 0'],
    ['NOOP', '+OK '],
    ['USER bob', '-ERR unimplemented'],
    ['XTND', '-ERR unimplemented'],
  ])('answers %s with %j', async (line, answer) => {
    const client = await loggedIn()
    expect(await client.say(line)).toBe(`${answer}\r\n`)
  })

  test('has what is deleted until QUIT', async () => {
    const stage = await pop3Stage(files)
    const client = await loggedIn(stage)
    expect(await client.say('DELE 2')).toBe('+OK \r\n')
    expect(await client.say('DELE 2')).toBe('-ERR already deleted\r\n')
    expect(await client.say('STAT')).toBe('+OK 1 28\r\n')
    expect(await client.say('LAST')).toBe('+OK 2\r\n')
    expect(await client.say('RSET')).toBe('+OK \r\n')
    expect(await client.say('STAT')).toBe('+OK 2 47\r\n')
    await client.say('DELE 2')
    expect(await stage.disk.list('/mail/bob/cur')).toContain('200.1.h:2,S')
    expect(await client.say('QUIT')).toBe('+OK \r\n')
    expect(client.closed).toBe(true)
    expect(await stage.disk.list('/mail/bob/cur')).toEqual(['.k', '100.1.h:2,'])
  })

  test('keeps everything where a client goes without QUIT, or is silent for ten minutes', async () => {
    const stage = await pop3Stage(files)
    const gone = await loggedIn(stage)
    await gone.say('DELE 1')
    gone.connection.destroy()
    const silent = await loggedIn(stage)
    await silent.say('DELE 1')
    stage.clock.advance(600_000)
    expect(await silent.heard()).toBe('')
    expect(silent.closed).toBe(true)
    expect(await stage.disk.list('/mail/bob/new')).toContain('100.1.h')
    expect(stage.policy.history.filter((each) => each.startsWith('session'))).toEqual([
      'session disconnect',
      'session timeout',
    ])
    expect(stage.listener.sessions).toBe(0)
  })

  test('answers commands that were sent ahead, one after the other', async () => {
    const client = await loggedIn()
    client.send('LIST 1\r\nUIDL 1\nNOOP\r\nQUIT\r\nSTAT\r\n')
    expect(await client.heard()).toBe('+OK 1 28\r\n+OK 1 100.1.h\r\n+OK \r\n+OK \r\n')
  })

  test('says that a message cannot be opened before it says that it can', async () => {
    const stage = await pop3Stage(files)
    const client = await loggedIn(stage)
    await stage.disk.remove('/mail/bob/new/100.1.h')
    expect(await client.say('RETR 1')).toBe('-ERR unable to open that message\r\n')
    expect(await client.say('LIST')).toBe('+OK \r\n2 19\r\n.\r\n')
  })

  test('is sent as fast as the client reads, whole', async () => {
    const body = 'x'.repeat(70).concat('\n').repeat(20_000)
    const stage = await pop3Stage({ '/mail/bob/new/1.1.h': `A: b\n\n${body}` })
    const client = await loggedIn(stage)
    const text = await client.say('RETR 1')
    expect(text.length).toBe('+OK \r\nA: b\r\n\r\n.\r\n'.length + 72 * 20_000)
  })
})

describe('a listener', () => {
  test('sends away who is one too many, and lets in who comes later', async () => {
    const stage = await pop3Stage(files, { maxConnectionsPerAddress: 1 })
    const first = await loggedIn(stage)
    const second = await stage.dial()
    expect(await second.heard()).toBe('')
    stage.clock.advance(100)
    expect(await second.heard()).toBe('-ERR [SYS/TEMP] too many connections\r\n')
    expect(second.closed).toBe(true)
    await first.say('QUIT')
    await loggedIn(stage)
  })

  test('looks again before it refuses a client whose last session is just ending', async () => {
    const stage = await pop3Stage(files, { maxConnectionsPerAddress: 1 })
    const first = await loggedIn(stage)
    const second = await stage.dial()
    expect(await second.heard()).toBe('')
    await first.say('QUIT')
    stage.clock.advance(100)
    expect(await second.heard()).toContain('+OK')
  })

  test('counts the clients of a network', async () => {
    const stage = await pop3Stage(files, { maxConnectionsPerNetwork: 1 })
    await loggedIn(stage)
    const second = await stage.dial()
    await second.heard()
    stage.clock.advance(100)
    expect(await second.heard()).toBe('-ERR [SYS/TEMP] too many connections\r\n')
  })

  test('takes clients whatever the load is that their rule allows for mail', async () => {
    const stage = await pop3Stage(files)
    const limits = { maxLoad: 1 }
    stage.policy.introduce = () => ({ environment: emptyEnvironment, denied: false, limits })
    const client = await loggedIn(stage)
    expect(await client.say('QUIT')).toContain('+OK')
  })

  test('that is closed ends sessions between two commands', async () => {
    const stage = await pop3Stage(files)
    const client = await loggedIn(stage)
    await client.say('DELE 1')
    const closed = stage.listener.close(1_000)
    expect(await client.heard()).toBe('-ERR [SYS/TEMP] shutting down\r\n')
    await closed
    expect(await stage.disk.list('/mail/bob/new')).toContain('100.1.h')
  })

  test('ends a session of nothing but mistakes', async () => {
    const stage = await pop3Stage(files, { settings: { maxErrors: 3 } })
    const client = await stage.dial()
    await client.heard()
    await client.say('HELO x')
    await client.say('x'.repeat(5_000))
    expect(await client.say('GET / HTTP/1.1')).toBe('-ERR too many errors\r\n')
    expect(client.closed).toBe(true)
  })
})

describe('a process of the user’s', () => {
  /** Answers when it is told to, and hears. */
  function joesProcess() {
    const answers = new ByteQueue({ full: () => undefined, room: () => undefined })
    const signals: AbortSignal[] = []
    let heardBytes = 0
    const joes = (signal: AbortSignal): MaildropTalk => {
      signals.push(signal)
      const abort = (): void => answers.fail(new PosternError('ABORTED', 'joe'))
      signal.addEventListener('abort', abort, { once: true })
      return {
        answers,
        write: ({ length }) => {
          heardBytes += length
          return true
        },
        onRoom: () => undefined,
        end: () => undefined,
      }
    }
    const isOver = () => signals[0]?.aborted
    return { joes, isOver, heardBytes: () => heardBytes, answer: () => answers.add(ok) }
  }
  const ok = Buffer.from('+OK \r\n')

  async function joining(joes: (signal: AbortSignal) => MaildropTalk) {
    const stage = await pop3Stage({}, { joes })
    const client = await stage.dial()
    await client.heard()
    await client.say('USER joe')
    expect(await client.say('PASS secret')).toBe('')
    const errors = () => stage.log.events.filter(({ level }) => level === 'error')
    return { ...stage, client, errors }
  }

  test('ends with a client that goes before it has answered, and after that', async () => {
    for (const isAnswered of [false, true]) {
      const { joes, isOver, answer } = joesProcess()
      const { client, errors } = await joining(joes)
      if (isAnswered) answer()
      expect(await client.heard()).toBe(isAnswered ? '+OK \r\n' : '')
      expect(isOver()).toBe(false)
      client.connection.destroy()
      await client.heard()
      expect(isOver()).toBe(true)
      expect(errors()).toEqual([])
    }
  })

  test('that does not answer in a minute is ended, and the client told so', async () => {
    const { joes, isOver } = joesProcess()
    const { client, clock } = await joining(joes)
    clock.advance(60_000)
    expect(await client.heard()).toMatch(/^-ERR /)
    expect(isOver()).toBe(true)
  })

  test('hears all that the client has sent ahead, and what comes then', async () => {
    const { joes, answer, heardBytes } = joesProcess()
    const { client } = await joining(joes)
    client.send('NOOP\r\n'.repeat(2_000))
    await client.heard()
    answer()
    await client.heard()
    client.send('QUIT\r\n')
    await client.heard()
    expect(heardBytes()).toBe(12_006)
  })
})
