/**
 * What the real qmail-smtpd (netqmail 1.06) said and queued in 111 sessions, against a receiver with the plugins that stand for
 * its control files. Words differ, and are meant to: each answer is compared by its class (2, 3, 4, 5), and what was queued by
 * envelope and stored bytes below the Received field. Where we differ in that, the reason stands beside the name.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { badmailfrom } from '../../plugins/badmailfrom/badmailfrom.ts'
import { rcpthosts } from '../../plugins/rcpthosts/rcpthosts.ts'
import { relayClients } from '../../plugins/relay-clients/relay-clients.ts'
import { qmailQueueReply } from '../../src/formats/qmail-queue-replies.ts'
import type { Mailbox } from '../../src/mail/address.ts'
import { chainUnderTest, entryOf } from '../../src/testkit/chain-under-test.ts'
import { settled, smtpStage } from '../../src/testkit/smtp-stage.ts'

interface Vector {
  readonly name: string
  readonly control: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  readonly qmail_queue_rc: number
  readonly input: string
  readonly output: string
  readonly queued_msg: string | null
  readonly envelope: string | null
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../fixtures/qmail/qmail-smtpd.json', import.meta.url), 'utf8'),
)
/** MAIL before HELO. */
const early = 'nohelo'
const sessions = vectors.filter((vector) => vector.qmail_queue_rc === 0).map(greeted)
const refusals = vectors.filter((vector) => vector.qmail_queue_rc !== 0)

interface Outcome {
  /** `2 2 5`: the class of each answer, the greeting's first. */
  readonly answers: string
  /** The last one queued. */
  readonly envelope: string | undefined
  readonly stored: string | undefined
}

/** We want HELO first, and one vector is about that; the others are about what follows. */
function greeted(vector: Vector): Vector {
  const { name, input, output } = vector
  if (name === early || !input.startsWith('MAIL')) return vector
  const [greeting, ...rest] = output.split('\r\n')
  return {
    ...vector,
    input: `HELO c\r\n${input}`,
    output: [greeting, '250 host.example', ...rest].join('\r\n'),
  }
}

async function played({ control, env, input }: Vector, lenient = false): Promise<Outcome> {
  const files = Object.fromEntries(
    Object.entries(control).map(([name, text]) => [`control/${name}`, text]),
  )
  const chain = chainUnderTest({
    entries: [relayClients, rcpthosts, badmailfrom].map((plugin) => entryOf(plugin)),
    files,
    environmentOf: () => ({
      environment: { variables: new Map(Object.entries(env)), source: 'tcp.smtp' },
      denied: false,
    }),
    receiver: {
      hostname: 'host.example',
      greeting: control['smtpgreeting']?.trimEnd() ?? 'host.example ESMTP',
      max_message: Number(control['databytes'] ?? 0),
      localiphost: control['localiphost']?.trimEnd() ?? '',
      lenient_addresses: lenient,
    },
  })
  const stage = await smtpStage({ through: () => chain.policy, withoutCertificate: true })
  const client = await stage.dial()
  await settled()
  // At which we are not ourselves there.
  client.send(input.replace('[192.0.2.1]', '[192.0.2.99]'))
  for (let turn = 0; turn < 20; turn++) await settled()
  const last = stage.queue.commits.at(-1)
  return {
    answers: classesOf(client.unread),
    envelope: last && envelopeOf(last.placement.envelope),
    stored: last && Buffer.from(last.message.bytes).toString('latin1').replaceAll('\r\n', '\n'),
  }
}

type Queued = Awaited<ReturnType<typeof smtpStage>>['queue']['commits'][number]

/** As a program is given it, whose addresses have no quotes. */
function envelopeOf({ reversePath, recipients }: Queued['placement']['envelope']): string {
  const bare = ({ localPart, domain }: Mailbox): string => `${localPart}@${domain}`
  const sender = reversePath === null ? '' : bare(reversePath)
  return `F${sender}\0${recipients.map(({ mailbox }) => `T${bare(mailbox)}\0`).join('')}\0`
}

function classesOf(output: string): string {
  const lines = output.split('\r\n').slice(0, -1)
  return lines
    .filter((line) => line[3] !== '-')
    .map((line) => line.charAt(0))
    .join(' ')
}

/** Ours comes on top as the message is queued, and is compared by tests of its own. */
function withoutReceived(text: string): string {
  return text.replace(/^Received: .*\n(?:[ \t].*\n)*/, '')
}

function theirs({ output, envelope, queued_msg: queued }: Vector): Outcome {
  const isQueued = envelope !== null && envelope !== ''
  return {
    answers: classesOf(output),
    envelope: isQueued ? envelope : undefined,
    stored: isQueued && queued !== null ? withoutReceived(queued) : undefined,
  }
}

interface Difference extends Partial<Outcome> {
  readonly why: string
}

/** Neither queued nor stored. */
const refused = { envelope: undefined, stored: undefined }
const badSyntax =
  'a command is read as RFC 5321 §4.1.2 writes it; what is guessed at can be guessed wrong'
const mailRefused = { why: badSyntax, answers: '2 2 5 5 2 2' }
const rcptRefused = { why: badSyntax, answers: '2 2 2 5 5 5 5 5 5 2', ...refused }
const bareLf = 'a bare LF is refused for good: who sends it sends it again after a 451, for days'
const bareCr = 'a bare CR may end a line for the next server, which is how messages are smuggled'

/** By name, why we answer otherwise, and how. */
const otherwise: ReadonlyMap<string, Difference> = new Map<string, Difference>([
  [
    early,
    { why: 'RFC 5321 §4.1.4 wants EHLO or HELO first', answers: '2 5 5 5 5 5 5 5 2', ...refused },
  ],
  [
    'cmd:QUIT x',
    { why: 'QUIT has no parameter; who sends one is out of step', answers: '2 2 5 5 2 2' },
  ],
  ['cmd:MAIL', mailRefused],
  ['cmd:MAIL FROM:', mailRefused],
  ['cmd:MAIL FROM:a@b', mailRefused],
  ['cmd:MAIL FROM:a b', mailRefused],
  [
    'cmd:MAIL FROM:<a@b> BODY=BINARYMIM',
    { why: 'RFC 5321 §4.1.1.11 refuses parameters that nobody offered', answers: '2 2 5 5 2 2' },
  ],
  ['cmd:MAIL FROM:<a\\@b@c>', mailRefused],
  ['cmd:MAIL FROM:<<a@b>', mailRefused],
  ['cmd:MAIL FROM:<a@b\0c>', mailRefused],
  ['rcpt:RCPT TO:<>', rcptRefused],
  ['rcpt:RCPT', rcptRefused],
  ['rcpt:RCPT TO:r@host.example', rcptRefused],
  ['rcpt:RCPT TO:<\\r@host.example>', rcptRefused],
  ['badmailfrom:<a@.bad.example>', { why: badSyntax, answers: '2 2 5 5 2' }],
  [
    'rcpthosts-absent',
    { why: 'a missing rcpthosts is closed, not open', answers: '2 2 2 5 5 5 5 5 5 2', ...refused },
  ],
  ['data:bareLF-body', { why: bareLf, answers: '2 2 2 2 3 5 2' }],
  ['data:CRLF.LF', { why: bareLf, answers: '2 2 2 2 3 5 2' }],
  ['data:CR.CR', { why: bareCr, answers: '2 2 2 2 3 5 2', ...refused }],
  ['data:CRCRLF', { why: bareCr, answers: '2 2 2 2 3 5 2', ...refused }],
])

describe('qmail-smtpd', () => {
  test('is known by 111 vectors', () => {
    expect(vectors).toHaveLength(111)
  })

  test.each(sessions.map((vector) => [vector.name, vector] as const))(
    '%s',
    async (name, vector) => {
      const { why: _, ...different } = otherwise.get(name) ?? { why: '' }
      expect(await played(vector)).toEqual({ ...theirs(vector), ...different })
    },
  )

  test.each([
    'cmd:MAIL FROM:',
    'cmd:MAIL FROM:a@b',
    'cmd:MAIL FROM:<a\\@b@c>',
    'cmd:MAIL FROM:<<a@b>',
    'rcpt:RCPT TO:r@host.example',
    'rcpt:RCPT TO:<\\r@host.example>',
  ])('%s is understood with lenient_addresses', async (name) => {
    const vector = sessions.find((each) => each.name === name)
    expect(vector).toBeDefined()
    expect(vector && (await played(vector, true))).toEqual(vector && theirs(vector))
  })

  test('is left only where a reason says so', () => {
    for (const [name, { why: _, ...different }] of otherwise) {
      const vector = sessions.find((each) => each.name === name)
      const known = vector && theirs(vector)
      expect(known, name).toBeDefined()
      expect({ ...known, ...different }, name).not.toEqual(known)
    }
  })

  test.each(refusals.map((vector) => [vector.name, vector] as const))(
    '%s: a queue that refuses is answered in the same words',
    (_, { qmail_queue_rc: exit, output }) => {
      const reply = qmailQueueReply(exit)
      const line = `${reply?.permanent === true ? 554 : 451} ${reply?.text}`
      expect(output.split('\r\n')).toContain(line)
    },
  )
})
