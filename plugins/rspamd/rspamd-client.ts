/** rspamd's HTTP protocol: a question to a worker, a lesson to the controller. The message goes straight from the spool. */
import {
  formatMailbox,
  PosternError,
  type Message,
  type NetAddress,
  type Recipient,
  type Transaction,
} from 'postern/plugin'
import { httpRequest, type HttpReply } from '../shared/http/http.ts'
import { formatPeerAddress } from '../shared/peer/peer-address.ts'
import type { PeerDoors } from '../shared/peer/peer.ts'
import { readAnswer, type RspamdAnswer } from './answer.ts'

export interface RspamdCall {
  readonly address: NetAddress
  readonly connectMs: number
  readonly patienceMs: number
  readonly signal: AbortSignal
}

export interface RspamdQuestion extends RspamdCall {
  readonly transaction: Transaction
  readonly recipients: readonly Recipient[]
  readonly message: Message
  /** Which of rspamd's settings apply; empty: as its own rules say. */
  readonly settingsId: string
}

const largestAnswer = 2_097_152
const mostRecipients = 100

/** @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED */
export async function askRspamd(doors: PeerDoors, question: RspamdQuestion): Promise<RspamdAnswer> {
  const reply = await post(doors, question, {
    path: '/checkv2',
    fields: factsOf(question),
    message: question.message,
  })
  const body = reply.body.toString('utf8')
  if (reply.status !== 200) throw failed(question.address, `${reply.status} ${shown(body)}`)
  if (reply.isEarly) throw failed(question.address, 'an answer to what it has not read')
  const answer = readAnswer(body)
  if (typeof answer === 'string') throw failed(question.address, `an answer that ${answer}`)
  return answer
}

export interface RspamdLesson extends RspamdCall {
  readonly message: Message
  readonly as: 'spam' | 'ham'
  readonly password: string
  readonly recipient?: Recipient
}

export type Taught =
  | { readonly taught: true; readonly isNew: boolean }
  /** Its own conditions speak against it; it is well all the same. */
  | { readonly taught: false; readonly why: string }

/** What it knows already it says with 208, what it does not want to learn with 204. @throws as `askRspamd` */
export async function teachRspamd(doors: PeerDoors, lesson: RspamdLesson): Promise<Taught> {
  const { as, password, recipient, message } = lesson
  const reply = await post(doors, lesson, {
    path: as === 'spam' ? '/learnspam' : '/learnham',
    fields: [
      ...(password === '' ? [] : [['Password', password] as const]),
      ...(recipient === undefined ? [] : [['Rcpt', formatMailbox(recipient.mailbox)] as const]),
    ],
    message,
  })
  if (reply.status === 200) return { taught: true, isNew: true }
  const body = shown(reply.body.toString('utf8'))
  if (reply.status === 208 || body.includes('already learned')) {
    return { taught: true, isNew: false }
  }
  if (reply.status === 204) return { taught: false, why: body }
  throw failed(lesson.address, `${reply.status} ${body}`)
}

/** Whether it is there and well. @throws as `askRspamd` */
export async function pingRspamd(
  doors: PeerDoors,
  address: NetAddress,
  signal: AbortSignal,
): Promise<string> {
  const reply = await httpRequest(doors, {
    address,
    method: 'GET',
    host: 'rspamd',
    path: '/ping',
    maxReplyBytes: 1024,
    connectMs: 5_000,
    patienceMs: 5_000,
    signal,
  })
  const body = reply.body.toString('latin1').trim()
  if (reply.status !== 200 || body !== 'pong')
    throw failed(address, `${reply.status} ${shown(body)}`)
  return reply.fields.get('server') ?? 'rspamd'
}

interface Post {
  readonly path: string
  readonly fields: readonly (readonly [string, string])[]
  readonly message: Message
}

function post(
  doors: PeerDoors,
  call: RspamdCall,
  { path, fields, message }: Post,
): Promise<HttpReply> {
  return httpRequest(doors, {
    ...call,
    method: 'POST',
    host: 'rspamd',
    path,
    fields,
    maxReplyBytes: largestAnswer,
    body: { sizeBytes: message.sizeBytes, chunks: () => message.read() },
  })
}

/** What rspamd is told of the session; `Flags: milter` asks for what its milter would do to the header. */
function factsOf({ transaction, recipients, settingsId }: RspamdQuestion): Post['fields'] {
  const { session, reversePath, id } = transaction
  const { tls, hello, remoteName, user } = session
  const address = session.remote.address
  return [
    // A UNIX socket has no address.
    ...(address === 'unix' ? [] : [['IP', address] as const]),
    ...(hello === undefined ? [] : [['Helo', hello.name] as const]),
    ...(remoteName === undefined ? [] : [['Hostname', remoteName] as const]),
    ['From', reversePath === null ? '<>' : formatMailbox(reversePath)],
    ...recipients
      .slice(0, mostRecipients)
      .map(({ mailbox }) => ['Rcpt', formatMailbox(mailbox)] as const),
    ...(recipients.length === 1 && recipients[0] !== undefined
      ? [['Deliver-To', formatMailbox(recipients[0].mailbox)] as const]
      : []),
    ...(user === undefined ? [] : [['User', user] as const]),
    ['Queue-Id', id],
    ['MTA-Name', session.hostname],
    ...(tls === undefined
      ? []
      : [['TLS-Version', tls.protocol] as const, ['TLS-Cipher', tls.cipher] as const]),
    ...(settingsId === '' ? [] : [['Settings-ID', settingsId] as const]),
    ['Flags', 'milter'],
  ]
}

function failed(address: NetAddress, what: string): PosternError {
  return new PosternError('PEER_FAILED', `${formatPeerAddress(address)} gives ${what}`)
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
