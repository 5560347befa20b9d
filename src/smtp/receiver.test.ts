/** What the receiver asks, what it tells, and what it writes on a message. */
import { describe, expect, test } from 'vitest'
import type { Session } from '../mail/session.ts'
import type { ReceiverSettings } from './policy.ts'
import { placementOf, scriptedPolicy } from '../testkit/scripted-policy.ts'
import { settled, smtpStage, type SmtpStage, type StageClient } from '../testkit/smtp-stage.ts'

async function send(client: StageClient, ...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = []
  for (const line of lines) {
    client.send(`${line}\r\n`)
    replies.push(await client.reply())
  }
  return replies
}

async function greeted(stage: SmtpStage): Promise<StageClient> {
  const client = await stage.dial()
  await client.reply()
  await send(client, 'EHLO client.test')
  return client
}

describe('the policy', () => {
  test('is asked in the order of the dialogue, and told how it ended', async () => {
    const stage = await smtpStage()
    const client = await greeted(stage)
    await send(client, 'MAIL FROM:<a@client.test>', 'RCPT TO:<b@mx.test>', 'RCPT TO:<c@mx.test>')
    await send(client, 'DATA', 'text\r\n.', 'MAIL FROM:<>', 'RSET', 'MAIL FROM:<>', 'QUIT')
    await settled()
    expect(stage.policy.history).toEqual([
      'connect',
      'hello',
      'mail',
      'rcpt',
      'rcpt',
      'data',
      'message',
      'transaction committed',
      'mail',
      'transaction reset',
      'mail',
      'transaction aborted',
      'session quit',
    ])
    expect(stage.policy.opened).toMatchObject([
      {
        listener: 'mx',
        remote: { address: '198.51.100.7' },
        local: { address: '192.0.2.1', port: 25 },
      },
    ])
  })

  test('is not asked about what is wrong already', async () => {
    const stage = await smtpStage()
    const client = await greeted(stage)
    await send(client, 'MAIL FROM:<a@client.test', 'RCPT TO:<b@mx.test>', 'DATA', 'EHLO')
    expect(stage.policy.history).toEqual(['connect', 'hello'])
  })

  test('is told of a MAIL that the receiver itself refuses, and of nothing that means no mail', async () => {
    const settings = { authRequired: true, replyIds: true, maxMessageBytes: 1000 }
    const stage = await smtpStage({ policy: scriptedPolicy({}, settings) })
    const client = await stage.dial()
    await client.reply()
    await send(client, 'MAIL FROM:<a@client.test>', 'EHLO client.test')
    const [refusal] = await send(client, 'mail from: <a@client.test> SIZE=1')
    const { session, reply } = stage.policy.turnedAway[0] ?? {}
    expect(refusal).toBe(`530 5.7.0 Authentication required (id ${session?.id})`)
    expect(reply?.code).toBe(530)
    stage.policy.settings = { ...stage.policy.settings, authRequired: false }
    await send(client, 'MAIL FROM:<a@client.test> SIZE=1001', 'MAIL FROM:<a@b@c>', 'MAIL')
    await send(client, 'MAIL FROM:<a@client.test>', 'MAIL FROM:<a@client.test>', 'QUIT')
    expect(
      stage.policy.turnedAway.map((told) => [told.transactionId, told.reversePath, told.reason]),
    ).toEqual([
      [`${session?.id}.1`, '<a@client.test>', 'LOGIN_FIRST'],
      [`${session?.id}.2`, '<a@client.test>', 'MESSAGE_TOO_BIG'],
      [`${session?.id}.3`, '<a@b@c>', 'BAD_MAIL'],
      [`${session?.id}.4`, '', 'BAD_MAIL'],
    ])
  })

  test('sees the session as it grows', async () => {
    const seen: Partial<Session>[] = []
    const policy = scriptedPolicy({
      auth: ({ user }) => ({ ruling: 'accept', user: `${user}@mx.test` }),
      mail: ({ session }) => {
        seen.push({ ...session })
        return { ruling: 'pass' }
      },
    })
    const stage = await smtpStage({ policy })
    const client = await greeted(stage)
    await send(client, 'STARTTLS')
    const tls = { side: 'client', servername: 'mx.test', verify: false, timeoutMs: 1_000 } as const
    await client.connection.startTls(tls)
    await send(
      client,
      'EHLO again.test',
      'AUTH PLAIN AGJvYgBzZWNyZXQ=',
      'MAIL FROM:<a@client.test>',
    )
    expect(seen).toMatchObject([
      {
        hostname: 'mx.test',
        hello: { verb: 'EHLO', name: 'again.test' },
        tls: { protocol: 'TLSv1.3' },
        user: 'bob@mx.test',
      },
    ])
  })

  test('is asked for a login in the words of the client, and hears each password once', async () => {
    const asked: unknown[] = []
    const policy = scriptedPolicy({
      auth: ({ session: _session, ...attempt }) => {
        asked.push(attempt)
        return { ruling: 'defer', status: '4.7.0', text: 'Come back', close: false }
      },
    })
    policy.settings = { ...policy.settings, authWithoutTls: true }
    const client = await greeted(await smtpStage({ policy }))
    expect(
      await send(client, 'AUTH PLAIN AGJvYgBzZWNyZXQ=', 'AUTH LOGIN Ym9i', 'c2VjcmV0'),
    ).toEqual(['454 4.7.0 Come back', '334 UGFzc3dvcmQ6', '454 4.7.0 Come back'])
    expect(asked).toEqual([
      { mechanism: 'PLAIN', user: 'bob', password: 'secret' },
      { mechanism: 'LOGIN', user: 'bob', password: 'secret' },
    ])
  })

  test('that breaks is logged with its session, and its words stay with us', async () => {
    const policy = scriptedPolicy({
      rcpt: () => Promise.reject(new Error('the table users.txt is gone')),
    })
    const stage = await smtpStage({ policy })
    const client = await greeted(stage)
    const [, reply] = await send(client, 'MAIL FROM:<a@client.test>', 'RCPT TO:<b@mx.test>')
    expect(reply).toBe('451 4.3.0 Local error, try again later')
    expect(stage.log.events.filter(({ level }) => level !== 'debug')).toMatchObject([
      { level: 'error', event: 'policy.failed', fields: { session: policy.opened[0]?.id } },
    ])
    expect(JSON.stringify(stage.log.events)).toContain('users.txt')
  })

  test('that breaks over the news of an end changes nothing that was said', async () => {
    const policy = scriptedPolicy()
    const deaf = {
      open: (facts: Parameters<typeof policy.open>[0]) => {
        const session = policy.open(facts)
        return {
          ...session,
          transactionEnded: () => {
            throw new Error('deaf')
          },
          sessionEnded: () => {
            throw new Error('deaf')
          },
        }
      },
    }
    const stage = await smtpStage({ policy, through: (inner) => ({ ...inner, ...deaf }) })
    const client = await greeted(stage)
    const message = [
      'MAIL FROM:<a@client.test>',
      'RCPT TO:<b@mx.test>',
      'DATA',
      'text\r\n.',
      'QUIT',
    ]
    const replies = await send(client, ...message)
    expect(replies.at(-2)).toContain('250 2.0.0 Ok: queued')
    expect(replies.at(-1)).toContain('221')
    const broken = stage.log.events.filter(({ level }) => level === 'error')
    expect(broken.map(({ event }) => event)).toEqual(['policy.failed', 'policy.failed'])
  })
})

describe('a message that is taken', () => {
  test('has a Received field of ours on top, above those of plugins, and is otherwise as it came', async () => {
    const policy = scriptedPolicy({
      message: ({ transaction }) => ({
        ruling: 'commit',
        placements: [
          {
            ...placementOf(transaction),
            headerEdits: [{ edit: 'prepend', name: 'X-Checked', value: 'yes' }],
          },
        ],
      }),
    })
    const stage = await smtpStage({ policy })
    const client = await greeted(stage)
    await send(client, 'MAIL FROM:<a@client.test>', 'RCPT TO:<b@mx.test>', 'DATA')
    const [reply] = await send(client, 'Subject: x\r\n\r\n..text\r\n.')
    const [committed] = stage.queue.commits
    expect(reply).toBe(`250 2.0.0 Ok: queued as ${committed?.id}`)
    expect(committed?.message.text).toBe('Subject: x\r\n\r\n.text\r\n')
    const edits = committed?.placement.headerEdits ?? []
    expect(edits.map(({ name }) => name)).toEqual(['X-Checked', 'Received'])
    const received = edits.at(-1)
    expect(received).toMatchObject({ edit: 'prepend' })
    const value = received !== undefined && 'value' in received ? received.value : ''
    expect(value).toContain('from client.test')
    expect(value).toContain('with ESMTP')
    expect(value).toContain(`id ${policy.transactions[0]?.transaction.id}`)
    expect(value).toContain('for <b@mx.test>')
  })

  test('for several names none of them in its Received field', async () => {
    const stage = await smtpStage()
    const client = await greeted(stage)
    await send(client, 'MAIL FROM:<a@client.test>', 'RCPT TO:<b@mx.test>', 'RCPT TO:<c@mx.test>')
    await send(client, 'DATA', 'text\r\n.')
    expect(JSON.stringify(stage.queue.commits[0]?.placement.headerEdits)).not.toContain('@mx.test')
  })

  test('clears the count of mistakes', async () => {
    const policy = scriptedPolicy({}, { maxErrors: 2 })
    const client = await greeted(await smtpStage({ policy }))
    const message = ['MAIL FROM:<a@client.test>', 'RCPT TO:<b@mx.test>', 'DATA', 'text\r\n.']
    expect(await send(client, 'XYZZY', ...message, 'XYZZY')).toContain(
      '500 5.5.2 Command not recognised',
    )
    expect(await send(client, 'XYZZY')).toEqual([
      '421 4.7.0 mx.test has heard too many wrong commands',
    ])
  })
})

test('a client that never comes to a message is sent away, and one that sends any is not', async () => {
  const policy = scriptedPolicy({}, { maxIdleCommands: 4 })
  const client = await greeted(await smtpStage({ policy }))
  await send(client, 'RSET', 'NOOP', 'MAIL FROM:<a@client.test>', 'VRFY bob')
  await send(client, 'RCPT TO:<bob@mx.test>', 'DATA')
  expect((await send(client, 'Subject: x\r\n\r\n.'))[0]).toMatch(/^250 /)
  expect(await send(client, 'RSET', 'HELP', 'EHLO client.test', 'NOOP', 'NOOP')).toEqual([
    '250 2.0.0 Ok',
    expect.stringMatching(/^214/),
    expect.stringMatching(/^250/),
    '250 2.0.0 Ok',
    '421 4.7.0 mx.test has heard too many commands without a message',
  ])
})

test('HELP tells no stranger which version answers, unless an operator wants it to', async () => {
  const told = async (settings: Partial<ReceiverSettings>): Promise<readonly string[]> => {
    const client = await greeted(await smtpStage({ policy: scriptedPolicy({}, settings) }))
    return send(client, 'HELP')
  }
  expect((await told({}))[0]).toMatch(/^214-2\.0\.0 Postern mail gateway(\r\n|\n|$)/)
  expect((await told({ helpVersion: '1.2.3' }))[0]).toContain('Postern mail gateway 1.2.3')
})

describe('limits of RFC 5321 §4.5.3.1', () => {
  test('a command of 512 octets is heard, a longer one is not', async () => {
    const client = await greeted(await smtpStage())
    const fill = (length: number): string => `NOOP ${'x'.repeat(length - 7)}`
    expect(await send(client, fill(512), fill(513), 'NOOP')).toEqual([
      '250 2.0.0 Ok',
      '500 5.5.2 Line too long',
      '250 2.0.0 Ok',
    ])
  })

  test('a line without end is answered before its end, and the session goes on behind it', async () => {
    const client = await greeted(await smtpStage())
    client.send('x'.repeat(13_000))
    expect(await client.reply()).toBe('500 5.5.2 Line too long')
    client.send(`${'x'.repeat(50_000)}\r\nNOOP\r\n`)
    expect(await client.reply()).toBe('250 2.0.0 Ok')
  })

  test('a response of a login has a limit of its own (RFC 4954 §4)', async () => {
    const policy = scriptedPolicy({}, { authWithoutTls: true })
    const client = await greeted(await smtpStage({ policy }))
    expect(await send(client, 'AUTH PLAIN', 'x'.repeat(12_289), 'NOOP')).toEqual([
      '334 ',
      '500 5.5.6 Authentication line too long',
      '250 2.0.0 Ok',
    ])
    const password = 'p'.repeat(9_000)
    const response = Buffer.from(`\0bob\0${password}`).toString('base64')
    expect(await send(client, `AUTH PLAIN ${response}`)).toEqual([
      '535 5.7.8 Authentication failed',
    ])
  })
})
