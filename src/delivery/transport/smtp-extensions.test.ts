/** What is said to next hops that know more than SMTP, and what is not said to those that do not. */
import { describe, expect, test } from 'vitest'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { hello, meet, relay } from '../../testkit/next-hop-stage.ts'
import type { HopAnswers } from '../../testkit/scripted-hop.ts'

const lines = (count: number, bytes: number) => `${'x'.repeat(bytes - 2)}\r\n`.repeat(count)

describe('DSN requests (RFC 3461)', () => {
  const bob = { localPart: 'bob', domain: 'there.test' }
  const asked = {
    returnContent: 'headers',
    envelopeId: 'id+1 2',
    recipients: [
      {
        mailbox: bob,
        notify: ['success', 'failure'],
        originalRecipient: 'rfc822;b+ob@old.test',
      },
      { mailbox: { ...bob, localPart: 'cid' }, notify: ['never'] },
      { mailbox: { ...bob, localPart: 'dan' }, originalRecipient: 'utf-8;jörg@old.test' },
    ],
  } as const

  test('go on to a hop that takes them, and who delivers reports', async () => {
    const { hop, results } = await meet({ extensions: ['DSN'] }, { envelope: asked })
    expect(hop.commands.slice(1, 5)).toEqual([
      'MAIL FROM:<ann@here.test> RET=HDRS ENVID=id+2B1+202',
      'RCPT TO:<bob@there.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+2Bob@old.test',
      'RCPT TO:<cid@there.test> NOTIFY=NEVER',
      String.raw`RCPT TO:<dan@there.test> ORCPT=utf-8;j\x{F6}rg@old.test`,
    ])
    expect(results.map((result) => 'relayed' in result && result.relayed)).toEqual(
      results.map(() => 'with-dsn'),
    )
  })

  test('are kept from a hop that does not, and the result says that nobody will report', async () => {
    const { hop, result } = await meet({ extensions: [] }, { envelope: asked })
    expect(hop.commands.slice(1, 3)).toEqual([
      'MAIL FROM:<ann@here.test>',
      'RCPT TO:<bob@there.test>',
    ])
    expect(result).toMatchObject({ outcome: 'delivered', relayed: 'without-dsn' })
  })
})

describe('LIMITS (RFC 9422)', () => {
  const to = ['a', 'b', 'c', 'd', 'e']

  test.each([
    ['RCPTMAX=2', [2, 2, 1], 1],
    ['MAILMAX=1 RCPTMAX=2', [2, 2, 1], 3],
    ['RCPTMAX=0 MAILMAX=x', [5], 1],
  ])('%s makes transactions of %j recipients over %i connections', async (limits, sizes, count) => {
    const { hop, results } = await meet({ extensions: [`LIMITS ${limits}`] }, { to })
    expect(results.every(({ outcome }) => outcome === 'delivered')).toBe(true)
    expect(hop.taken.map(({ recipients }) => recipients.length)).toEqual(sizes)
    expect(hop.connections).toBe(count)
  })

  test('RCPTDOMAINMAX=1 keeps domains apart', async () => {
    const recipients = ['a@x.test', 'b@y.test', 'c@X.test'].map((address) => {
      const [localPart = '', domain = ''] = address.split('@')
      return { mailbox: { localPart, domain } }
    })
    const { hop } = await meet(
      { extensions: ['LIMITS RCPTDOMAINMAX=1'] },
      { envelope: { recipients } },
    )
    expect(hop.taken.map(({ recipients: named }) => named)).toEqual([
      ['a@x.test', 'c@X.test'],
      ['b@y.test'],
    ])
  })
})

test('the operator may want one recipient for each transaction, as qmail has it', async () => {
  const { hop } = await meet({}, { to: ['a', 'b'], settings: { maxRecipients: 1 } })
  expect(hop.taken.map(({ recipients }) => recipients)).toEqual([
    ['a@there.test'],
    ['b@there.test'],
  ])
})

test('a VERP reverse-path makes a transaction for each recipient, each with its own', async () => {
  const reversePath = { localPart: 'own-@here.test-', domain: '[]' }
  const { hop } = await meet({}, { to: ['bob', 'cid'], envelope: { reversePath } })
  expect(hop.taken.map((mail) => [mail.reversePath, mail.recipients])).toEqual([
    ['own-bob=there.test@here.test', ['bob@there.test']],
    ['own-cid=there.test@here.test', ['cid@there.test']],
  ])
})

describe('CHUNKING (RFC 3030)', () => {
  const large = memoryMessage(`Subject: x\r\n\r\n.dot\r\n${lines(2000, 100)}`)

  test.each([['PIPELINING', 'CHUNKING'], ['CHUNKING']])(
    'carries a message in chunks, dots as they are (%s)',
    async (...extensions) => {
      const { hop, result } = await meet({ extensions }, { message: large })
      expect(result.outcome).toBe('delivered')
      expect(hop.taken[0]?.message).toBe(large.text)
      const chunks = hop.commands.filter((line) => line.startsWith('BDAT'))
      expect(chunks).toHaveLength(4)
      expect(chunks.at(-1)).toMatch(/ LAST$/)
      expect(hop.commands).not.toContain('DATA')
    },
  )

  test('puts a header and a short body that are read apart into one chunk', async () => {
    const whole = memoryMessage('Subject: x\r\n\r\nbody\r\n')
    const { bytes, bodyOffset } = whole
    const message = Object.assign(whole, {
      async *read() {
        yield bytes.subarray(0, bodyOffset)
        yield bytes.subarray(bodyOffset)
      },
    })
    const { hop } = await meet({ extensions: ['CHUNKING'] }, { message })
    expect(hop.taken[0]?.message).toBe(whole.text)
    expect(hop.commands.filter((line) => line.startsWith('BDAT'))).toEqual([
      `BDAT ${bytes.length} LAST`,
    ])
  })

  test('lets no CR or LF out that stands alone', async () => {
    const message = memoryMessage('Subject: x\r\n\r\na\n.\nb\rc')
    const { hop } = await meet({ extensions: ['CHUNKING'] }, { message })
    expect(hop.taken[0]?.message).toBe('Subject: x\r\n\r\na . b c\r\n')
  })

  test.each([
    ['552 5.3.4 Too big', 'failed', '5.3.4'],
    ['452 4.3.1 Full', 'deferred', '4.3.1'],
    ['421 4.3.2 Bye', 'deferred', '4.3.2'],
    ['hang-up', 'deferred', '4.4.2'],
  ] as const)('a chunk answered by %s delivers to nobody', async (BDAT, outcome, status) => {
    for (const extensions of [['CHUNKING'], ['CHUNKING', 'PIPELINING']]) {
      const { hop, result } = await meet({ extensions, answers: { BDAT } }, { message: large })
      expect(result).toMatchObject({ outcome, status })
      expect(hop.taken).toEqual([])
    }
  })

  test('a reply that nobody asked for does not pass for the last one', async () => {
    const answers: HopAnswers = { BDAT: '250 one\r\n250 two\r\n250 three\r\n250 four' }
    const { result } = await meet({ extensions: ['CHUNKING'], answers }, { message: large })
    expect(result).toMatchObject({ outcome: 'deferred' })
  })
})

test('8-bit text goes as it is to a hop without 8BITMIME where the operator says so', async () => {
  const message = memoryMessage(Buffer.from('Subject: x\r\n\r\ngr\u00fc\u00dfe\r\n'))
  const { hop, result } = await meet(
    { extensions: [] },
    { message, settings: { eightBit: 'send' } },
  )
  expect(result.outcome).toBe('delivered')
  expect(hop.commands[1]).toBe('MAIL FROM:<ann@here.test>')
  expect(hop.taken[0]?.message).toBe(message.text)
})

describe('BINARYMIME', () => {
  const envelope = { bodyType: 'binarymime' } as const
  const binary = memoryMessage(Buffer.from('Subject: x\r\n\r\n\0a\nb\rc', 'latin1'))

  test('goes as it is where it is known', async () => {
    const extensions = ['CHUNKING', 'BINARYMIME', '8BITMIME']
    const { hop, result } = await meet({ extensions }, { message: binary, envelope })
    expect(result.outcome).toBe('delivered')
    expect(hop.commands[1]).toContain(' BODY=BINARYMIME')
    expect(hop.taken[0]?.message).toBe(binary.text)
  })

  test('fails where it is not', async () => {
    const { result } = await meet({ extensions: ['CHUNKING'] }, { message: binary, envelope })
    expect(result).toMatchObject({ outcome: 'failed', status: '5.6.3' })
  })

  test('that is text in truth goes as text', async () => {
    const { hop, result } = await meet({}, { message: hello, envelope })
    expect(result.outcome).toBe('delivered')
    expect(hop.commands[1]).not.toContain('BODY')
  })
})

describe('CRAM-MD5', () => {
  const login = { user: 'tim', password: { reveal: () => 'tanstaaftanstaaf' }, withoutTls: true }
  const challenge = Buffer.from('<1896.697170952@postoffice.reston.mci.net>').toString('base64')
  const answers: HopAnswers = {
    AUTH: (line) => (line.startsWith('AUTH') ? `334 ${challenge}` : '235 2.7.0 Welcome'),
  }

  test('is what goes over a connection in the clear, by the digest of RFC 2195', async () => {
    const { hop, result } = await meet(
      { extensions: ['AUTH PLAIN CRAM-MD5'], answers },
      { route: { ...relay, login } },
    )
    expect(result.outcome).toBe('delivered')
    expect(hop.commands.slice(1, 3)).toEqual([
      'AUTH CRAM-MD5',
      Buffer.from('tim b913a602c7eda7a495b4e6e7334d3890').toString('base64'),
    ])
  })

  test('is done where nothing else is offered under TLS', async () => {
    const { hop } = await meet(
      { extensions: ['STARTTLS', 'AUTH CRAM-MD5'], answers },
      { route: { ...relay, login: { ...login, withoutTls: false } } },
    )
    expect(hop.commands).toContain('AUTH CRAM-MD5')
    expect(hop.taken).toHaveLength(1)
  })
})
