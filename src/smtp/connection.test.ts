/** What happens between a connection and its session: pieces, waiting, back-pressure, hanging up. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import { passRuling, type Ruling } from '../mail/ruling.ts'
import { placementOf, scriptedPolicy, slowPolicy } from '../testkit/scripted-policy.ts'
import { settled, smtpStage, type SmtpStage, type StageClient } from '../testkit/smtp-stage.ts'

const envelope = 'MAIL FROM:<a@client.test>\r\nRCPT TO:<b@mx.test>\r\nDATA\r\n'

async function greeted(stage: SmtpStage): Promise<StageClient> {
  const client = await stage.dial()
  await client.reply()
  client.send('EHLO client.test\r\n')
  await client.reply()
  return client
}

describe('replies', () => {
  test('to all commands of one chunk leave in one piece', async () => {
    const client = await greeted(await smtpStage())
    const before = client.pieces
    client.send(envelope)
    for (const code of ['250', '250', '354']) expect(await client.reply()).toContain(code)
    expect(client.pieces - before).toBe(1)
    client.send(`text\r\n.\r\n${envelope}`)
    for (const code of ['250', '250', '250', '354']) expect(await client.reply()).toContain(code)
    expect(client.pieces - before).toBe(2)
  })

  test('leave in one piece too where each answer takes a moment', async () => {
    const client = await greeted(await smtpStage({ through: slowPolicy }))
    const before = client.pieces
    client.send(envelope)
    for (const code of ['250', '250', '354']) expect(await client.reply()).toContain(code)
    expect(client.pieces - before).toBe(1)
  })

  test('are not held for more than a second for those that follow', async () => {
    const stage = await smtpStage()
    const answers = [Promise.withResolvers<Ruling>(), Promise.withResolvers<Ruling>()]
    let asked = 0
    stage.policy.script.rcpt = () => answers[asked++]?.promise ?? passRuling
    const client = await greeted(stage)
    client.send('MAIL FROM:<a@client.test>\r\nRCPT TO:<b@mx.test>\r\nRCPT TO:<c@mx.test>\r\n')
    await settled()
    expect(client.unread).toBe('')
    stage.clock.advance(1_001)
    answers[0]?.resolve(passRuling)
    expect(await client.reply()).toContain('250 2.1.0')
    expect(await client.reply()).toContain('250 2.1.5')
    answers[1]?.resolve(passRuling)
    expect(await client.reply()).toContain('250 2.1.5')
  })
})

describe('a client that sends while an answer is awaited', () => {
  test('is held, and answered in order when the answer is there', async () => {
    const stage = await smtpStage()
    const answer = Promise.withResolvers<Ruling>()
    stage.policy.script.mail = () => answer.promise
    const client = await greeted(stage)
    client.send('MAIL FROM:<a@client.test>\r\n')
    client.send('RCPT TO:<b@mx.test>\r\n')
    client.send('NOOP\r\n')
    await settled()
    expect(stage.policy.history).not.toContain('rcpt')
    answer.resolve(passRuling)
    expect(await client.reply()).toBe('250 2.1.0 Ok')
    expect(await client.reply()).toBe('250 2.1.5 Ok')
    expect(await client.reply()).toBe('250 2.0.0 Ok')
  })

  test('is stopped beyond 64 KB, and nothing is lost', async () => {
    const stage = await smtpStage({ policy: scriptedPolicy({}, { maxIdleCommands: Infinity }) })
    const answer = Promise.withResolvers<Ruling>()
    stage.policy.script.mail = () => answer.promise
    const client = await greeted(stage)
    client.send('MAIL FROM:<a@client.test>\r\n')
    const many = 'NOOP\r\n'.repeat(5_000)
    let taken = 0
    while (client.connection.write(many) && taken < 50) {
      taken++
      await settled()
    }
    expect(taken).toBeLessThan(50)
    answer.resolve(passRuling)
    expect(await client.reply()).toBe('250 2.1.0 Ok')
    for (let count = 0; count < 5_000 * (taken + 1); count++) {
      if ((await client.reply()) !== '250 2.0.0 Ok') throw new Error(`reply ${count} is wrong`)
    }
    await settled()
    expect(client.unread).toBe('')
  })

  test('meets no deadline of ours while it waits', async () => {
    const stage = await smtpStage()
    const answer = Promise.withResolvers<Ruling>()
    stage.policy.script.mail = () => answer.promise
    const client = await greeted(stage)
    client.send('MAIL FROM:<a@client.test>\r\n')
    await settled()
    stage.clock.advance(3_600_000)
    await settled()
    expect(client.unread).toBe('')
    answer.resolve(passRuling)
    expect(await client.reply()).toBe('250 2.1.0 Ok')
  })
})

test.each([
  ['at once', () => passRuling],
  ['by promises', () => Promise.resolve(passRuling)],
])(
  'a client that sends commands by the thousand lets others have their turn in between: answers %s',
  async (_, mail) => {
    const stage = await smtpStage()
    stage.policy.script.mail = mail
    const [busy, other] = [await greeted(stage), await greeted(stage)]
    busy.send('MAIL FROM:<a@client.test>\r\nRSET\r\n'.repeat(500))
    other.send('NOOP\r\n')
    expect(await other.reply()).toContain('250')
    expect(stage.policy.history.filter((asked) => asked === 'mail').length).toBeLessThan(500)
    for (let replies = 0; replies < 1_000; replies++) expect(await busy.reply()).toContain('250 2.')
  },
)

test('a client that does not read is not answered further, and let go in the end', async () => {
  const stage = await smtpStage()
  const client = await greeted(stage)
  client.connection.pause()
  let taken = 0
  while (client.connection.write('HELP\r\n'.repeat(1_000)) && taken < 100) {
    taken++
    await settled()
  }
  expect(taken).toBeLessThan(100)
  stage.clock.advance(300_001)
  await settled()
  expect(stage.policy.history).toContain('session timeout')
})

describe('a draft that asks for patience', () => {
  test('gets the message whole, and no more than one piece at a time', async () => {
    const stage = await smtpStage()
    const begin = stage.queue.begin.bind(stage.queue)
    const waiting: (() => void)[] = []
    const written: string[] = []
    stage.queue.begin = () => {
      const draft = begin()
      return {
        ...draft,
        write(chunk) {
          written.push(Buffer.from(chunk).toString())
          const before = draft.write(chunk)
          return new Promise<void>((resolve) => {
            waiting.push(() => resolve(before))
          })
        },
      }
    }
    const client = await greeted(stage)
    client.send(envelope)
    for (let count = 0; count < 3; count++) await client.reply()
    for (const piece of ['one\r\n', 'two\r\n', '..three\r\n', '.\r\nNOOP\r\n']) client.send(piece)
    for (let count = 1; count <= 3; count++) {
      await settled()
      expect(written.length).toBe(count)
      waiting.shift()?.()
    }
    expect(await client.reply()).toContain('250 2.0.0 Ok: queued')
    expect(await client.reply()).toBe('250 2.0.0 Ok')
    expect(stage.queue.commits[0]?.message.text).toBe('one\r\ntwo\r\n.three\r\n')
  })

  test('stops the client from sending, whose message lies nowhere else meanwhile', async () => {
    const stage = await smtpStage()
    stage.policy.settings = {
      ...stage.policy.settings,
      maxMessageBytes: 0,
      dataPace: { minBytesPerSecond: 1_000_000, windowMs: 1_000 },
    }
    const begin = stage.queue.begin.bind(stage.queue)
    const disk = Promise.withResolvers<undefined>()
    stage.queue.begin = () => {
      const draft = begin()
      return { ...draft, write: (chunk) => disk.promise.then(() => draft.write(chunk)) }
    }
    const client = await greeted(stage)
    client.send(envelope)
    for (let count = 0; count < 3; count++) await client.reply()
    const piece = `${'x'.repeat(9_998)}\r\n`
    let sent = 1
    while (client.connection.write(piece) && sent < 1_000) {
      sent++
      await settled()
    }
    // What the network and the reader hold: a disk that stands still costs no more memory than that.
    expect(sent).toBeLessThan(20)
    // The pace is the disk's, not the client's.
    stage.clock.advance(3_600_000)
    await settled()
    expect(client.closed).toBe(false)
    disk.resolve(undefined)
    client.send('.\r\n')
    for (let turn = 0; turn < 20; turn++) await settled()
    expect(await client.reply()).toContain('250 2.0.0 Ok: queued')
    expect(stage.queue.commits[0]?.message.sizeBytes).toBe(sent * 10_000)
  })

  test('and then fails is answered with 452 at the true end of the message', async () => {
    const stage = await smtpStage()
    const begin = stage.queue.begin.bind(stage.queue)
    stage.queue.begin = () => ({
      ...begin(),
      write: () => Promise.reject(new PosternError('DISK_FULL')),
    })
    const client = await greeted(stage)
    client.send(envelope)
    for (let count = 0; count < 3; count++) await client.reply()
    client.send('one\r\n')
    await settled()
    client.send('MAIL FROM:<text@of.a.message>\r\n')
    await settled()
    expect(client.unread).toBe('')
    client.send('.\r\n')
    expect(await client.reply()).toContain('452 4.3.1')
    expect(stage.log.events.filter(({ level }) => level !== 'debug')).toMatchObject([
      { event: 'commit.failed', fields: { code: 'DISK_FULL' } },
    ])
    expect(stage.queue.openDrafts).toBe(0)
  })
})

describe('a client that hangs up', () => {
  test('while a refusal is kept back leaves nothing behind', async () => {
    const stage = await smtpStage()
    stage.policy.settings = { ...stage.policy.settings, tarpit: { after: 0, delayMs: 60_000 } }
    const client = await greeted(stage)
    client.send('XYZZY\r\n')
    await settled()
    client.connection.destroy()
    await settled()
    expect(stage.listener.sessions).toBe(0)
    expect(stage.clock.pending).toBe(0)
  })

  test('after its last command still hears the replies', async () => {
    const stage = await smtpStage({ through: slowPolicy })
    const client = await stage.dial()
    client.send(`HELO client.test\r\n${envelope}`)
    client.send('text\r\n.\r\nQUIT\r\n')
    client.connection.end()
    await settled()
    expect(client.unread.split('\r\n').map((line) => line.slice(0, 3))).toEqual([
      '220',
      '250',
      '250',
      '250',
      '354',
      '250',
      '221',
      '',
    ])
    expect(client.closed).toBe(true)
    expect(stage.queue.commits.length).toBe(1)
  })

  test('without QUIT ends its session and its transaction', async () => {
    const stage = await smtpStage()
    const client = await greeted(stage)
    client.send(`${envelope}half a mess`)
    await settled()
    client.connection.end()
    await settled()
    expect(stage.policy.history.slice(-2)).toEqual(['transaction aborted', 'session disconnect'])
    expect(stage.queue.openDrafts).toBe(0)
    expect(stage.listener.sessions).toBe(0)
    expect(stage.clock.pending).toBe(0)
  })

  test('while its message is judged has sent nothing', async () => {
    const stage = await smtpStage()
    const answer = Promise.withResolvers<Ruling>()
    stage.policy.script.message = async ({ transaction }) => {
      await answer.promise
      return { ruling: 'commit', placements: [placementOf(transaction)] }
    }
    const client = await greeted(stage)
    client.send(`${envelope}text\r\n.\r\n`)
    await settled()
    client.connection.destroy()
    await settled()
    expect(stage.policy.history.slice(-2)).toEqual(['transaction aborted', 'session disconnect'])
    answer.resolve(passRuling)
    await settled()
    expect(stage.queue.commits).toEqual([])
    expect(stage.queue.openDrafts).toBe(0)
  })

  test('while its message is committed has sent it, and the policy hears so before the end', async () => {
    const stage = await smtpStage()
    const begin = stage.queue.begin.bind(stage.queue)
    const disk = Promise.withResolvers<void>()
    stage.queue.begin = () => {
      const draft = begin()
      return { ...draft, commit: (placements) => disk.promise.then(() => draft.commit(placements)) }
    }
    const client = await greeted(stage)
    client.send(`${envelope}text\r\n.\r\n`)
    await settled()
    client.connection.destroy()
    await settled()
    expect(stage.policy.history.at(-1)).toBe('message')
    disk.resolve()
    await settled()
    expect(stage.policy.history.slice(-2)).toEqual(['transaction committed', 'session disconnect'])
    expect(stage.policy.transactions[0]?.outcome.receipt?.ids.length).toBe(1)
  })
})

describe('any client at all', () => {
  const commands = fc.constantFrom(
    'EHLO c.test\r\n',
    'HELO c.test\r\n',
    'MAIL FROM:<a@c.test>\r\n',
    'RCPT TO:<b@mx.test>\r\n',
    'DATA\r\n',
    'text\r\n',
    '.\r\n',
    'RSET\r\n',
    'NOOP\r\n',
    'AUTH LOGIN\r\n',
    'Ym9i\r\n',
    '*\r\n',
    'STARTTLS\r\n',
    'QUIT\r\n',
    'MA',
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\xff',
    'x'.repeat(700),
    'x'.repeat(20_000),
  )
  const doings = fc.array(fc.tuple(commands, fc.constantFrom('and', 'wait', 'time')), {
    maxLength: 40,
  })
  const farewell = fc.constantFrom<'end' | 'destroy'>('end', 'destroy')

  test('leaves each transaction and each session ended once, in this order, and nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(doings, farewell, fc.boolean(), async (steps, leave, slow) => {
        const policy = scriptedPolicy({}, { authWithoutTls: true, maxErrors: 15 })
        const stage = await smtpStage({ policy, ...(slow ? { through: slowPolicy } : {}) })
        const client = await stage.dial()
        for (const [text, then] of steps) {
          client.send(text)
          if (then !== 'and') await settled()
          if (then === 'time') stage.clock.advance(1_000)
        }
        client.connection[leave]()
        await settled()
        stage.clock.advance(600_000)
        await settled()
        const { history } = policy
        const sessions = history.filter((event) => event.startsWith('session'))
        const opened = history.filter((event) => event === 'mail').length
        const closed = history.filter((event) => event.startsWith('transaction')).length
        expect(sessions.length).toBe(1)
        expect(history.findLastIndex((event) => event.startsWith('transaction'))).toBeLessThan(
          history.findIndex((event) => event.startsWith('session')),
        )
        // One that is still asked about when the client goes is never opened.
        expect(opened - closed).toBeGreaterThanOrEqual(0)
        expect(opened - closed).toBeLessThanOrEqual(slow ? 1 : 0)
        expect(stage.queue.openDrafts).toBe(0)
        expect(stage.listener.sessions).toBe(0)
        expect(stage.log.events.filter(({ level }) => level === 'error')).toEqual([])
      }),
      { numRuns: 150 },
    )
  })
})
