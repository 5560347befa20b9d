/** XCLIENT and XFORWARD in sessions. */
import { describe, expect, test } from 'vitest'
import { parseNetworks } from '../../plugin/networks.ts'
import { scriptedPolicy, slowPolicy } from '../../testkit/scripted-policy.ts'
import { settled, smtpStage, type SmtpStage, type StageClient } from '../../testkit/smtp-stage.ts'

const proxy = '198.51.100.7'

function trusted() {
  const parsed = parseNetworks([proxy])
  if (!parsed.ok) throw new Error(parsed.item)
  return parsed.networks
}

async function stageWith(slow = false): Promise<SmtpStage> {
  const networks = trusted()
  const policy = scriptedPolicy({}, { xclientNetworks: networks, xforwardNetworks: networks })
  return smtpStage({ policy, ...(slow ? { through: slowPolicy } : {}) })
}

/** Says one line after the other. @returns the replies */
async function talk(client: StageClient, ...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = []
  for (const line of lines) {
    client.send(`${line}\r\n`)
    replies.push(await client.reply())
  }
  return replies
}

describe.each([false, true])('XCLIENT from a trusted proxy (answers take time: %s)', (slow) => {
  test('begins another session, which is asked about from the beginning', async () => {
    const stage = await stageWith(slow)
    const client = await stage.dial(proxy)
    expect(await client.reply()).toBe('220 mx.test ESMTP')
    const [ehlo, xclient, mail, again] = await talk(
      client,
      'EHLO proxy.test',
      'XCLIENT NAME=spike.test ADDR=203.0.113.9 PORT=4711 LOGIN=ann',
      'MAIL FROM:<a@client.test>',
      'EHLO spike.test',
    )
    expect(ehlo).toContain(
      '250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT REVERSE_NAME',
    )
    expect(xclient).toBe('220 mx.test ESMTP')
    expect(mail).toBe('503 5.5.1 Say EHLO or HELO first')
    expect(again).toContain('250-XCLIENT')
    const [own, claimed] = stage.policy.opened
    expect(claimed).toMatchObject({
      remote: { address: '203.0.113.9', port: 4711 },
      local: own?.local,
      remoteName: 'spike.test',
      user: 'ann',
    })
    expect(claimed?.id).toBe(`${own?.id}x1`)
    expect(stage.policy.history).toEqual([
      'connect',
      'hello',
      'session replaced',
      'connect',
      'hello',
    ])
  })

  test('gives the greeting name that it carries', async () => {
    const stage = await stageWith(slow)
    const client = await stage.dial(proxy)
    await client.reply()
    const lines = [
      'XCLIENT ADDR=203.0.113.9 NAME=spike.test',
      'XCLIENT HELO=spike PROTO=SMTP',
      'MAIL FROM:<a@client.test>',
      'RCPT TO:<b@mx.test>',
      'DATA',
    ]
    const replies = await talk(client, ...lines)
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['220', '220', '250', '250', '354'])
    client.send('text\r\n.\r\n')
    expect(await client.reply()).toContain('250 2.0.0')
    expect(stage.policy.history.slice(3, 8)).toEqual([
      'session replaced',
      'connect',
      'hello',
      'mail',
      'rcpt',
    ])
    expect(stage.queue.commits[0]?.placement.headerEdits.at(-1)).toMatchObject({
      value: expect.stringMatching(
        /^from spike \(spike\.test \[203\.0\.113\.9\]\)\r\n by mx\.test with SMTP /,
      ) as unknown,
    })
  })

  test('is told when its client is refused', async () => {
    const stage = await stageWith(slow)
    const client = await stage.dial(proxy)
    await client.reply()
    stage.policy.script.connect = () => ({
      ruling: 'reject',
      status: '5.7.1',
      text: 'Not you',
      close: false,
    })
    expect(await talk(client, 'XCLIENT ADDR=203.0.113.9')).toEqual(['554 5.7.1 Not you'])
    await settled()
    expect(client.closed).toBe(true)
    expect(stage.policy.history.slice(-2)).toEqual(['connect', 'session refused'])
  })
})

describe('XCLIENT', () => {
  test('may come again, since who connected is trusted, not who was named', async () => {
    const stage = await stageWith()
    const client = await stage.dial(proxy)
    await client.reply()
    await talk(client, 'XCLIENT ADDR=203.0.113.9 NAME=spike.test', 'XCLIENT ADDR=[UNAVAILABLE]')
    expect(stage.policy.opened[2]).toMatchObject({ remote: { address: 'unknown', port: 0 } })
    expect(stage.policy.opened.map(({ id }) => id.replace(/^[^x]*/, ''))).toEqual(['', 'x1', 'x2'])
  })

  test('keeps the TLS layer of the connection, and offers it no more', async () => {
    const stage = await stageWith()
    const client = await stage.dial(proxy)
    await client.reply()
    await talk(client, 'EHLO proxy.test', 'STARTTLS')
    await client.connection.startTls({
      side: 'client',
      servername: '',
      verify: false,
      timeoutMs: 1_000,
    })
    const [, ehlo] = await talk(client, 'XCLIENT ADDR=203.0.113.9', 'EHLO spike.test')
    expect(ehlo).not.toContain('STARTTLS')
    expect(stage.policy.opened[1]?.tls).toMatchObject({ protocol: 'TLSv1.3' })
  })

  test('is refused within a transaction, and where its attributes are wrong', async () => {
    const stage = await stageWith()
    const client = await stage.dial(proxy)
    await client.reply()
    const replies = await talk(
      client,
      'XCLIENT ADDR=nowhere',
      'HELO proxy.test',
      'MAIL FROM:<a@client.test>',
      'XCLIENT ADDR=203.0.113.9',
    )
    expect(replies[0]).toBe('501 5.5.4 Syntax: XCLIENT attribute=value ...')
    expect(replies[3]).toContain('503 5.5.1')
    expect(stage.policy.opened).toHaveLength(1)
  })

  test('from anybody else is neither offered nor heard', async () => {
    const stage = await stageWith()
    const client = await stage.dial('198.51.100.8')
    await client.reply()
    const [ehlo, xclient, xforward] = await talk(
      client,
      'EHLO client.test',
      'XCLIENT ADDR=203.0.113.9',
      'XFORWARD ADDR=203.0.113.9',
    )
    expect(ehlo).not.toMatch(/XCLIENT|XFORWARD/)
    expect(xclient).toMatch(/^550 5\.7\.0 /)
    expect(xforward).toMatch(/^550 5\.7\.0 /)
    expect(stage.policy.opened).toHaveLength(1)
  })

  test('ends the session where the policy cannot open another', async () => {
    const networks = trusted()
    const policy = scriptedPolicy({}, { xclientNetworks: networks })
    let opened = 0
    const stage = await smtpStage({
      policy,
      through: (inner) => ({
        ...inner,
        open(facts) {
          if (opened++ > 0) throw new Error('no chain')
          return inner.open(facts)
        },
      }),
    })
    const client = await stage.dial(proxy)
    await client.reply()
    expect(await talk(client, 'XCLIENT ADDR=203.0.113.9')).toEqual([
      '451 4.3.0 Local error, try again later',
    ])
    await settled()
    expect(client.closed).toBe(true)
  })
})

describe('XFORWARD from a trusted proxy', () => {
  test('is told with the next transaction, and changes nothing else', async () => {
    const stage = await stageWith()
    const sources: unknown[] = []
    stage.policy.script.mail = ({ forwarded, session }) => {
      sources.push(forwarded)
      expect(session.remote.address).toBe(proxy)
      return { ruling: 'pass' }
    }
    const client = await stage.dial(proxy)
    await client.reply()
    const transaction = ['MAIL FROM:<a@client.test>', 'RSET']
    const [ehlo, ...rest] = await talk(
      client,
      'EHLO proxy.test',
      'XFORWARD NAME=spike.test ADDR=203.0.113.9',
      'XFORWARD HELO=spike',
      ...transaction,
      ...transaction,
    )
    expect(ehlo).toContain('250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE')
    expect(new Set(rest.map((reply) => reply.slice(0, 3)))).toEqual(new Set(['250']))
    expect(sources).toEqual([{ name: 'spike.test', addr: '203.0.113.9', helo: 'spike' }, undefined])
  })
})
