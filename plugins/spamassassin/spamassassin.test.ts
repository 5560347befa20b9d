import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { finding, parseHeader, relayClient, type JsonObject, type NetAddress } from 'postern/plugin'
import {
  fakeNet,
  memoryMessage,
  pluginUnderTest,
  scriptedPeer,
  type PluginTestOptions,
  type ScriptedPeer,
} from 'postern/testkit'
import { rewritten, rulesIn } from './spam-fields.ts'
import { spamRuleOf } from './spam-limit.ts'
import { spamassassin } from './spamassassin.ts'

const message = 'Subject: hello\r\n\r\nworld\r\n'
const address: NetAddress = { host: '127.0.0.1', port: 783 }

interface Asked {
  readonly line: string
  readonly fields: ReadonlyMap<string, string>
  readonly body: string
}
type Answer = (asked: Asked, peer: ScriptedPeer) => string | undefined

/** A spamd that answers each question in its own words; undefined: it hangs. */
function under(answer: Answer, { options, ...rest }: PluginTestOptions = {}) {
  const net = fakeNet()
  const asked: Asked[] = []
  const play = async (peer: ScriptedPeer): Promise<void> => {
    const line = (await peer.line()) ?? ''
    const fields = new Map<string, string>()
    for (let field = await peer.line(); field; field = await peer.line()) {
      const [name = '', value = ''] = field.split(': ', 2)
      fields.set(name.toLowerCase(), value)
    }
    const body = (await peer.take(Number(fields.get('content-length') ?? 0))) ?? ''
    asked.push({ line, fields, body })
    const said = answer({ line, fields, body }, peer)
    if (said === undefined) return
    peer.say(said)
    peer.hangUp()
  }
  const listening = net.listen({
    address,
    accepted: (connection) => void play(scriptedPeer(connection)),
    failed: () => undefined,
  })
  const plugin = pluginUnderTest(spamassassin, {
    options: { servers: ['127.0.0.1:783'], ...options },
    doors: { net },
    ...rest,
  })
  return { plugin, asked, listening, net }
}

const reply = (spam: string, body = ''): string =>
  `SPAMD/1.1 0 EX_OK\r\nContent-length: ${Buffer.byteLength(body)}\r\nSpam: ${spam}\r\n\r\n${body}`

const header = [
  'Return-Path: <alice@client.test>\r\n',
  'X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=8.3 required=5.0 tests=BAD_ONE,\n\tWORSE_ONE\n',
  '\tautolearn=no version=4.0.1\r\nSubject: [SPAM] hello\r\n\r\n',
].join('')

describe('spamassassin', () => {
  test('adds SpamAssassin’s score, names its rules and writes its fields', async () => {
    const { plugin, asked } = under(() => reply('True ; 8.3 / 5.0', header))
    expect(await plugin.message(`X-Spam-Status: No\r\nX-Spam-Nice: 1\r\n${message}`)).toEqual({
      verdict: 'pass',
      reason: 'SPAM',
      score: 8.3,
      evidence: { score: 8.3, required: 5, rules: 'BAD_ONE WORSE_ONE' },
      findings: [
        finding(
          { name: 'spamassassin' },
          { score: 8.3, required: 5, spam: true, rules: ['BAD_ONE', 'WORSE_ONE'] },
        ),
      ],
      headerEdits: [
        { edit: 'remove', name: 'X-Spam-Status' },
        { edit: 'remove', name: 'X-Spam-Nice' },
        {
          edit: 'prepend',
          name: 'X-Spam-Status',
          value:
            'Yes, score=8.3 required=5.0 tests=BAD_ONE,\r\n\tWORSE_ONE\r\n\tautolearn=no version=4.0.1',
        },
        { edit: 'prepend', name: 'X-Spam-Flag', value: 'YES' },
        { edit: 'replace', name: 'Subject', nth: 1, value: '[SPAM] hello' },
      ],
    })
    expect(asked[0]?.line).toBe('HEADERS SPAMC/1.5')
    expect(asked[0]?.body).toMatch(
      /^Return-Path: <alice@client\.test>\r\nReceived: from \S+ \(unknown \[192\.0\.2\.1\]\)\r\n by mx\.postern\.test /,
    )
    expect(asked[0]?.body.endsWith(message)).toBe(true)
  })

  test('takes a score below zero for what it is', async () => {
    const { plugin } = under(() => reply('False ; -1.9 / 5.0', 'BAYES_00,ALL_TRUSTED\r\n'), {
      options: { headers: 'none', weight: 2 },
    })
    expect(await plugin.message(message)).toMatchObject({
      reason: 'NO_SPAM',
      score: -3.8,
      findings: [{ value: { score: -1.9, spam: false, rules: ['BAYES_00', 'ALL_TRUSTED'] } }],
    })
  })

  test('writes Qmail-Scanner’s fast fields where that is wanted', async () => {
    const { plugin, asked } = under(() => reply('True ; 7.1 / 5.0'), {
      options: { headers: 'fast', subject: '[SPAM]', rules: false },
    })
    expect(await plugin.message(message)).toMatchObject({
      headerEdits: [
        { edit: 'prepend', name: 'X-Spam-Level', value: '+++++++' },
        { edit: 'prepend', name: 'X-Spam-Status', value: 'Yes, score=7.1 required=5.0' },
        { edit: 'replace', name: 'Subject', value: '[SPAM] hello' },
      ],
    })
    expect(asked[0]?.line).toBe('CHECK SPAMC/1.5')
  })

  test('scores once for each recipient’s user, and the others for the common one', async () => {
    const score = new Map([
      ['bob', '9.0'],
      ['carol', '1.0'],
      ['common', '2.0'],
    ])
    const { plugin, asked } = under(
      ({ fields }) => reply(`False ; ${score.get(fields.get('user') ?? '')} / 5.0`),
      {
        options: { headers: 'fast', user_of: 'local-part', max_users: 2, user: 'common' },
      },
    )
    const recipients = ['bob', 'carol', 'Bob', 'dave'].map((name) => `${name}@postern.test`)
    expect(await plugin.message(message, { recipients })).toMatchObject({
      verdict: 'per-recipient',
      verdicts: [{ score: 9 }, { score: 1 }, { score: 9 }, { score: 2 }],
      findings: [{ value: { score: 9 } }],
    })
    const users = new Set(asked.map(({ fields }) => fields.get('user')))
    expect(users).toEqual(new Set(['bob', 'carol', 'common']))
  })

  describe('with simcontrol', () => {
    const spam = () => reply('True ; 8.3 / 5.0')
    const control =
      ':spam=yes,spam_hits=20.1\nstrict.test:spam_hits=8.3\nboss@strict.test:spam_passthru=yes\noff.test:spam=no\n'
    const judged = async (
      recipients: readonly string[],
      lines = control,
      options: JsonObject = {},
    ) => {
      const files = { 'control/simcontrol': lines }
      const { plugin, asked } = under(spam, { files, options: { headers: 'fast', ...options } })
      return { verdict: await plugin.message(message, { recipients }), asked }
    }

    test('each recipient’s own limit decides, in simscan’s words, and the score counts for nothing else', async () => {
      const recipients = ['a@strict.test', 'boss@strict.test', 'b@lax.test', 'c@off.test']
      const { verdict, asked } = await judged(recipients)
      const fields = [{ name: 'X-Spam-Level' }, { name: 'X-Spam-Status' }]
      expect(verdict).toMatchObject({
        verdict: 'per-recipient',
        verdicts: [
          {
            verdict: 'reject',
            text: 'Your email is considered spam (8.30 spam-hits)',
            evidence: { score: 8.3, limit: 8.3 },
          },
          { verdict: 'pass', headerEdits: fields, evidence: { limit: 'passthru' } },
          { verdict: 'pass', headerEdits: fields, evidence: { limit: 20.1 } },
          { verdict: 'pass' },
        ],
      })
      expect('verdicts' in verdict && verdict.verdicts.map(({ score }) => score)).toEqual(
        Array(4).fill(undefined),
      )
      expect(asked).toHaveLength(1)
    })

    test('whoever gets all spam is not asked for together with those for whom thresholds decide', () => {
      const all = [
        { spam: true },
        { spam: true, spamPassthru: true },
        { spam: true, spamHits: 5 },
        { spam: false },
      ]
      expect(new Set(all.map(spamRuleOf)).size).toBe(4)
      expect(spamRuleOf({ spam: false, spamHits: 5 })).toBe(spamRuleOf({}))
    })

    test('one answer for all where all want the same, and other outcomes than a refusal', async () => {
      expect((await judged(['a@strict.test', 'b@strict.test'])).verdict).toMatchObject({
        verdict: 'reject',
      })
      const held = await judged(['a@strict.test'], control, { simscan_outcome: 'quarantine' })
      expect(held.verdict).toMatchObject({ verdict: 'quarantine', reason: 'SPAM' })
    })

    test('who has no limit is judged by the thresholds, and nobody is asked about where all are off', async () => {
      expect((await judged(['a@x.test'], ':spam=yes\n')).verdict).toMatchObject({
        verdict: 'pass',
        score: 8.3,
      })
      const { verdict, asked } = await judged(['c@off.test'])
      expect(verdict).toEqual({ verdict: 'pass', reason: 'SIMCONTROL' })
      expect(asked).toEqual([])
    })
  })

  test('asks about strangers only, unless QS_SPAMASSASSIN says otherwise', async () => {
    const spam = () => reply('True ; 8.3 / 5.0')
    const relaying = [finding(relayClient, { because: 'test' })]
    const verdictOf = async (given: PluginTestOptions) =>
      (await under(spam, { ...given, options: { headers: 'none' } }).plugin.message(message)).reason
    expect(await verdictOf({})).toBe('SPAM')
    expect(await verdictOf({ findings: relaying })).toBeUndefined()
    expect(await verdictOf({ session: { user: 'alice' } })).toBeUndefined()
    const on = { environment: { QS_SPAMASSASSIN: 'on' } }
    expect(await verdictOf({ findings: relaying, ...on })).toBe('SPAM')
    expect(await verdictOf({ session: { user: 'alice' }, ...on })).toBe('SPAM')
    expect(await verdictOf({ environment: { QS_SPAMASSASSIN: '0' } })).toBeUndefined()
  })

  test('does not score what is too large', async () => {
    const { plugin, asked } = under(() => undefined, { options: { max_size: 10 } })
    expect(await plugin.message(message)).toMatchObject({ reason: 'SPAM_TOO_LARGE' })
    expect(asked).toEqual([])
  })

  const sick: readonly (readonly [what: string, reply: string])[] = [
    ['hangs up without a word', ''],
    ['says nonsense', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['gives an error', 'SPAMD/1.1 79 EX_TIMEOUT\r\n\r\n'],
    ['gives no score', 'SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\n\r\n'],
    ['gives a score that is none', reply('True ; many / 5.0')],
    ['breaks off in the header', 'SPAMD/1.1 0 EX_OK\r\nSpam: True ; 1000.0'],
    ['breaks off in the body', reply('True ; 8.3 / 5.0', 'A').replace('length: 1', 'length: 9')],
    ['promises too much', reply('True ; 8.3 / 5.0').replace('length: 0', 'length: 9999999')],
    ['never ends its header', `SPAMD/1.1 0 EX_OK\r\n${'X: y\r\n'.repeat(5000)}`],
  ]
  test.each(sick)('a spamd that %s is a fault and gives no score', async (_, text) => {
    const { plugin, net } = under(() => text)
    await expect(plugin.message(message)).rejects.toThrow('127.0.0.1:783')
    expect(net.open).toBe(0)
  })

  test('a spamd that scores what it has not read is a fault', async () => {
    const net = fakeNet()
    const hasty = async (peer: ScriptedPeer): Promise<void> => {
      await peer.take(10_000)
      peer.say(reply('False ; 0.0 / 5.0'))
      peer.hangUp()
    }
    await net.listen({
      address,
      accepted: (connection) => void hasty(scriptedPeer(connection)),
      failed: () => undefined,
    })
    const options = { servers: ['127.0.0.1:783'], max_size: '5MB' }
    const plugin = pluginUnderTest(spamassassin, { options, doors: { net } })
    const large = memoryMessage(`Subject: large\r\n\r\n${'x'.repeat(2_000_000)}`)
    await expect(plugin.message(large)).rejects.toThrow('judges what it has not read')
  })

  test('a spamd that hangs is given up after its patience', async () => {
    const { plugin } = under(() => undefined)
    const verdict = plugin.message(message)
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
    plugin.clock.advance(50_000)
    await expect(verdict).rejects.toThrow('said nothing')
  })

  test('has a message learnt for the recipient’s user', async () => {
    const { plugin, asked } = under(
      () => 'SPAMD/1.1 0 EX_OK\r\nDidSet: local\r\nContent-length: 2\r\n\r\n\r\n',
      { options: { user_of: 'address' } },
    )
    await plugin.learn(message, 'ham', { recipient: 'Bob@postern.test' })
    expect(asked[0]?.line).toBe('TELL SPAMC/1.5')
    expect(Object.fromEntries(asked[0]?.fields ?? [])).toMatchObject({
      'message-class': 'ham',
      set: 'local',
      user: 'bob@postern.test',
    })
    const deaf = under(
      () => 'SPAMD/1.0 69 Service Unavailable: TELL commands are not enabled\r\n\r\n',
    )
    await expect(deaf.plugin.learn(message, 'spam')).rejects.toThrow('TELL commands')
  })

  test('can be probed', async () => {
    const { plugin } = under(({ line }) =>
      line === 'PING SPAMC/1.5' ? 'SPAMD/1.5 0 PONG\r\n' : '',
    )
    expect(await plugin.probe()).toBe('127.0.0.1:783: SPAMD/1.5')
  })

  test('whatever spamd writes into a header, its edits are fit for one', async () => {
    const original = memoryMessage(message).header
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.constantFrom('\n', '\r\n', '\r', '\t', '\0', ':', 'X-Spam-A:', 'Subject:'),
          ),
        ),
        async (parts) => {
          const { plugin } = under(() => reply('True ; 1.0 / 5.0', parts.join('')))
          expect(await plugin.message(message)).toMatchObject({ verdict: 'pass' })
          expect(rewritten(original, parts.join('')).length).toBeLessThan(200)
          expect(rulesIn(parts.join(''))).toBeInstanceOf(Array)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('forged fields go, however many a stranger writes', () => {
    const many = Array.from({ length: 3000 }, (_, n) => `X-Spam-${n}: 1\r\n`).join('')
    const original = parseHeader(Buffer.from(`${many}X-Spam-Status: No\r\n`))
    const edits = rewritten(original, '')
    expect(edits[0]).toEqual({ edit: 'remove', name: 'X-Spam-Status' })
    expect(edits).toHaveLength(100)
  })
})
