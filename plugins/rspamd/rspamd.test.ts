import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { finding, relayClient, type JsonObject, type NetAddress } from 'postern/plugin'
import {
  fakeNet,
  memoryMessage,
  pluginUnderTest,
  scriptedPeer,
  type PluginTestOptions,
  type ScriptedPeer,
} from 'postern/testkit'
import { readAnswer } from './answer.ts'
import { rspamd } from './rspamd.ts'

const message = 'Subject: hello\r\n\r\nworld\r\n'
const worker: NetAddress = { host: '127.0.0.1', port: 11_333 }
const controller: NetAddress = { host: '127.0.0.1', port: 11_334 }

interface Asked {
  readonly line: string
  readonly fields: readonly string[]
  readonly body: string
}

/** An rspamd that answers each request in its own words; undefined: it hangs. */
function under(
  answer: (asked: Asked) => string | undefined,
  { options, ...rest }: PluginTestOptions = {},
) {
  const net = fakeNet()
  const asked: Asked[] = []
  const play = async (peer: ScriptedPeer): Promise<void> => {
    const line = (await peer.line()) ?? ''
    const fields: string[] = []
    for (let field = await peer.line(); field; field = await peer.line()) fields.push(field)
    const length = fields.find((field) => field.startsWith('Content-Length: '))?.slice(16) ?? '0'
    const body = (await peer.take(Number(length))) ?? ''
    asked.push({ line, fields, body })
    const said = answer({ line, fields, body })
    if (said === undefined) return
    peer.say(said)
    peer.hangUp()
  }
  for (const address of [worker, controller]) {
    void net.listen({
      address,
      accepted: (connection) => void play(scriptedPeer(connection)),
      failed: () => undefined,
    })
  }
  const plugin = pluginUnderTest(rspamd, {
    options: { ...options },
    doors: { net },
    ...rest,
  })
  return { plugin, asked, net }
}

const http = (body: string, status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const says = (given: JsonObject): string =>
  http(JSON.stringify({ action: 'no action', score: 0.5, required_score: 15, ...given }))

describe('rspamd', () => {
  test('is told who sent what to whom, and its score and symbols are kept', async () => {
    const { plugin, asked } = under(
      () =>
        says({ symbols: { R_SPF_ALLOW: { score: -0.2 }, MIME_GOOD: { score: -1 }, 'x y': {} } }),
      {
        session: {
          hello: { verb: 'EHLO', name: 'client.test' },
          tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES' },
        },
      },
    )
    expect(await plugin.message(message, { recipients: ['a@x.test', 'b@x.test'] })).toEqual({
      verdict: 'pass',
      reason: 'RSPAMD_NO_ACTION',
      score: 0.5,
      evidence: { score: 0.5, required: 15, symbols: 'MIME_GOOD(-1) R_SPF_ALLOW(-0.2)' },
      findings: [
        finding(
          { name: 'rspamd' },
          {
            action: 'no action',
            score: 0.5,
            required: 15,
            symbols: ['MIME_GOOD', 'R_SPF_ALLOW'],
          },
        ),
      ],
    })
    expect(asked[0]?.line).toBe('POST /checkv2 HTTP/1.1')
    expect(asked[0]?.body).toBe(message)
    expect(asked[0]?.fields).toEqual(
      expect.arrayContaining([
        'IP: 192.0.2.1',
        'Helo: client.test',
        'From: alice@client.test',
        'Rcpt: a@x.test',
        'Rcpt: b@x.test',
        'TLS-Version: TLSv1.3',
        'Flags: milter',
      ]),
    )
  })

  test.each([
    ['reject', {}, { verdict: 'reject', status: '5.7.1', text: 'Gtube pattern' }],
    ['soft reject', {}, { verdict: 'defer', status: '4.7.1' }],
    ['greylist', {}, { verdict: 'defer' }],
    ['reject', { reject: 'quarantine' }, { verdict: 'quarantine', reason: 'RSPAMD_REJECT' }],
    ['reject', { reject: 'discard' }, { verdict: 'discard' }],
    ['greylist', { greylist: 'pass' }, { verdict: 'pass' }],
    ['quarantine', {}, { verdict: 'quarantine' }],
    ['discard', {}, { verdict: 'discard' }],
    [
      'add header',
      {},
      {
        verdict: 'pass',
        headerEdits: [
          { edit: 'remove', name: 'X-Spam' },
          { edit: 'prepend', name: 'X-Spam', value: 'Yes' },
        ],
      },
    ],
    [
      'rewrite subject',
      {},
      {
        verdict: 'pass',
        headerEdits: [{ edit: 'replace', name: 'Subject', nth: 1, value: '*** SPAM *** hello' }],
      },
    ],
  ])('%s with %j', async (action, options, expected) => {
    const { plugin } = under(
      () =>
        says({
          action,
          subject: '*** SPAM *** hello',
          messages: { smtp_message: 'Gtube pattern' },
        }),
      { options },
    )
    expect(await plugin.message(message)).toMatchObject(expected)
  })

  test('edits the header as its milter would', async () => {
    const milter = {
      remove_headers: { 'X-Old': 0, 'X-Some': [1, 3], 'X-Last': -1, 'bad name': 0 },
      add_headers: {
        'X-Spamd-Bar': '---',
        'X-Result': {
          value: 'default: False [-1.00 / 15.00];\n\tMIME_GOOD(-1)[a\u0007]',
          order: 0,
        },
        'X-Many': [{ value: 'one', order: -1 }, 'two'],
        'X-Worse': { order: 1 },
      },
    }
    const { plugin } = under(() => says({ milter, 'dkim-signature': 'v=1;\r\n a=rsa' }))
    expect((await plugin.message(message)).headerEdits).toEqual([
      { edit: 'remove', name: 'X-Old' },
      { edit: 'remove', name: 'X-Some', nth: 3 },
      { edit: 'remove', name: 'X-Some', nth: 1 },
      { edit: 'remove', name: 'X-Last' },
      { edit: 'prepend', name: 'X-Spamd-Bar', value: '---' },
      {
        edit: 'prepend',
        name: 'X-Result',
        value: 'default: False [-1.00 / 15.00];\r\n\tMIME_GOOD(-1)[a ]',
      },
      { edit: 'append', name: 'X-Many', value: 'one' },
      { edit: 'prepend', name: 'X-Many', value: 'two' },
      { edit: 'prepend', name: 'DKIM-Signature', value: 'v=1;\r\n a=rsa' },
    ])
    const quiet = under(() => says({ milter }), { options: { headers: false } })
    expect((await quiet.plugin.message(message)).headerEdits).toBeUndefined()
  })

  test('is asked about each recipient where their settings differ', async () => {
    const { plugin } = under(
      ({ fields }) =>
        fields.includes('Deliver-To: strict@x.test')
          ? says({ action: 'reject', score: 20 })
          : says({}),
      { options: { per_recipient: true } },
    )
    expect(
      await plugin.message(message, { recipients: ['strict@x.test', 'lax@x.test'] }),
    ).toMatchObject({
      verdict: 'per-recipient',
      verdicts: [
        { verdict: 'reject', score: 20 },
        { verdict: 'pass', score: 0.5 },
      ],
      findings: [{ value: { action: 'reject' } }],
    })
  })

  test('is told of those alone for whom simcontrol says spam=yes', async () => {
    const { plugin, asked } = under(() => says({ action: 'reject', score: 20 }), {
      files: { 'control/simcontrol': 'lax@x.test:spam=no\nx.test:spam=yes\n' },
    })
    const recipients = ['strict@x.test', 'lax@x.test']
    expect(await plugin.message(message, { recipients })).toMatchObject({
      verdict: 'per-recipient',
      verdicts: [{ verdict: 'reject' }, { verdict: 'pass' }],
    })
    expect(asked[0]?.fields.filter((field) => /^(?:Rcpt|Deliver-To)/.test(field))).not.toContain(
      expect.stringContaining('lax@x.test'),
    )
    expect(await plugin.message(message, { recipients: ['lax@x.test'] })).toMatchObject({
      reason: 'SIMCONTROL',
    })
    expect(asked).toHaveLength(1)
  })

  test('is asked about strangers only, unless QS_SPAMASSASSIN says otherwise', async () => {
    const findings = [finding(relayClient, { because: 'test' })]
    const quiet = under(() => says({}), { findings })
    expect(await quiet.plugin.message(message)).toEqual({ verdict: 'pass' })
    const on = under(() => says({}), { findings, environment: { QS_SPAMASSASSIN: 'on' } })
    expect(await on.plugin.message(message)).toMatchObject({ reason: 'RSPAMD_NO_ACTION' })
  })

  test.each([
    ['hangs up', ''],
    ['answers with an error', http('{"error":"bad request"}', '400 Bad Request')],
    ['answers no JSON', http('<html>')],
    ['answers half of it', says({}).slice(0, -5)],
    ['answers a list', http('[]')],
    ['knows an action that we do not', says({ action: 'accept' })],
    ['has no score', says({ score: 'many' })],
    ['is another server', 'SPAMD/1.1 0 EX_OK\r\n\r\n'],
  ])('one that %s is a fault', async (_, said) => {
    const { plugin, net } = under(() => said)
    await expect(plugin.message(message)).rejects.toThrow('127.0.0.1:11333')
    expect(net.open).toBe(0)
  })

  test('one that judges what it has not read is a fault', async () => {
    const net = fakeNet()
    const hasty = async (peer: ScriptedPeer): Promise<void> => {
      await peer.take(10_000)
      peer.say(says({}))
      peer.hangUp()
    }
    await net.listen({
      address: worker,
      accepted: (connection) => void hasty(scriptedPeer(connection)),
      failed: () => undefined,
    })
    const plugin = pluginUnderTest(rspamd, { doors: { net } })
    const large = memoryMessage(`Subject: large\r\n\r\n${'x'.repeat(2_000_000)}`)
    await expect(plugin.message(large)).rejects.toThrow('what it has not read')
  })

  test('one that hangs is given up after its patience', async () => {
    const { plugin } = under(() => undefined)
    const verdict = plugin.message(message)
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
    plugin.clock.advance(40_000)
    await expect(verdict).rejects.toThrow('said nothing')
  })

  test('its controller is taught, with the password', async () => {
    let said = http('{"success":true}')
    const { plugin, asked } = under(() => said, { files: { 'control/rspamdpassword': 'q1\n' } })
    await plugin.learn(message, 'ham', { recipient: 'bob@postern.test' })
    expect(asked[0]?.line).toBe('POST /learnham HTTP/1.1')
    expect(asked[0]?.fields).toEqual(
      expect.arrayContaining(['Password: q1', 'Rcpt: bob@postern.test']),
    )
    said = http('{"error":"<1> has been already learned as ham, ignore it"}', '208 Already')
    await plugin.learn(message, 'ham')
    said = http('{"error":"all learn conditions denied learning"}', '204 No Content')
    await expect(plugin.learn(message, 'spam')).rejects.toThrow(/declines: .*conditions denied/)
    said = http('{"error":"Unauthorized"}', '403 Forbidden')
    await expect(plugin.learn(message, 'spam')).rejects.toThrow('403')
  })

  test('can be probed', async () => {
    const { plugin } = under(() => 'HTTP/1.1 200 OK\r\nServer: rspamd/3.4\r\n\r\npong\r\n')
    expect(await plugin.probe()).toBe('127.0.0.1:11333: rspamd/3.4')
  })

  test('whatever its milter asks for, the edits are fit for a header', async () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('\r\n', '\n ', '\r', 'a\r\n\r\nb', '\0'))
    const added = fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('X-A', 'Subject', '__proto__')),
      fc.oneof(text, fc.record({ value: text, order: fc.integer() }), fc.array(text), fc.integer()),
    )
    const removed = fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.double(), fc.string()))
    await fc.assert(
      fc.asyncProperty(added, removed, async (add, remove) => {
        const milter: JsonObject = { add_headers: add, remove_headers: remove }
        const { plugin } = under(() => says({ milter }))
        expect(await plugin.message(message)).toMatchObject({ verdict: 'pass' })
      }),
      { numRuns: 100 },
    )
    fc.assert(fc.property(fc.json(), (json) => typeof readAnswer(json) === 'string'))
  })
})
