/**
 * spamd's protocol, SPAMC/1.5 (spamd/PROTOCOL): a command, some fields, the message; an answer of the same form. The
 * message goes from the spool straight into the socket. Whatever does not follow the protocol is an error, no score.
 */
import type { Message, NetAddress } from 'postern/plugin'
import { inBlocks } from '../shared/peer/in-blocks.ts'
import { Peer, type PeerDoors } from '../shared/peer/peer.ts'

export type SpamdCommand = 'CHECK' | 'SYMBOLS' | 'HEADERS'

export interface SpamdCall {
  readonly address: NetAddress
  readonly connectMs: number
  readonly patienceMs: number
  readonly signal: AbortSignal
  /** Whose settings and learnt words count. */
  readonly user?: string
}

export interface SpamdQuestion extends SpamdCall {
  readonly command: SpamdCommand
  /** Stands before the message: what it was received by, for SpamAssassin to trust. */
  readonly preface: string
  readonly message: Message
}

export interface SpamdVerdict {
  readonly spam: boolean
  readonly score: number
  readonly required: number
  /** Rule names for SYMBOLS, the rewritten header for HEADERS, nothing for CHECK. */
  readonly body: string
}

export interface SpamdLesson extends SpamdCall {
  readonly message: Message
  readonly as: 'spam' | 'ham'
}

const largestHead = 8_192
/** HEADERS gives the header back, with some more; ours has at most a megabyte. */
const largestBody = 2_097_152
const pingMs = 5_000

/** @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED */
export async function askSpamd(doors: PeerDoors, question: SpamdQuestion): Promise<SpamdVerdict> {
  const { command, preface, message } = question
  const length = Buffer.byteLength(preface, 'latin1') + message.sizeBytes
  const reply = await talk(doors, question, {
    head: [`${command} SPAMC/1.5`, `Content-length: ${length}`],
    preface,
    message,
  })
  const [, spam, score, required] = verdictField.exec(reply.fields.get('spam') ?? '') ?? []
  if (spam === undefined || score === undefined || required === undefined) {
    throw reply.fail('gives no score')
  }
  return {
    spam: /^(?:true|yes)$/i.test(spam),
    score: Number(score),
    required: Number(required),
    body: reply.body,
  }
}

/** `True ; 1000.0 / 5.0` */
const verdictField =
  /^(True|False|Yes|No)[ \t]*;[ \t]*(-?\d{1,7}(?:\.\d{1,6})?)[ \t]*\/[ \t]*(-?\d{1,7}(?:\.\d{1,6})?)$/i

/**
 * Has a message learnt (TELL); spamd must run with --allow-tell.
 * @returns whether that was new; not where it knew the message as such, or learns nothing at all
 * @throws as `askSpamd`
 */
export async function teachSpamd(doors: PeerDoors, lesson: SpamdLesson): Promise<boolean> {
  const { message, as } = lesson
  const reply = await talk(doors, lesson, {
    head: [
      'TELL SPAMC/1.5',
      `Content-length: ${message.sizeBytes}`,
      `Message-class: ${as}`,
      'Set: local',
    ],
    preface: '',
    message,
  })
  return reply.fields.has('didset')
}

/** Whether it is there and well. @returns the protocol that it speaks; @throws as `askSpamd` */
export async function pingSpamd(
  doors: PeerDoors,
  address: NetAddress,
  signal: AbortSignal,
): Promise<string> {
  const peer = await Peer.connect(doors, {
    address,
    connectMs: pingMs,
    patienceMs: pingMs,
    signal,
  })
  try {
    await peer.send('PING SPAMC/1.5\r\n\r\n')
    const line = (await peer.readTo('\r\n', largestHead)).toString('latin1')
    const [, version] = /^(SPAMD\/\d{1,3}\.\d{1,3}) 0 PONG$/.exec(line) ?? []
    if (version === undefined) throw peer.fail(`says ${JSON.stringify(line.slice(0, 200))}`)
    return version
  } finally {
    peer.hangUp()
  }
}

interface Sent {
  readonly head: readonly string[]
  readonly preface: string
  readonly message: Message
}

interface Reply {
  readonly fields: ReadonlyMap<string, string>
  readonly body: string
  fail(detail: string): Error
}

async function talk(doors: PeerDoors, call: SpamdCall, sent: Sent): Promise<Reply> {
  const peer = await Peer.connect(doors, call)
  try {
    let isWhole = true
    for await (const block of inBlocks(request(call, sent))) {
      isWhole = !peer.hasSpoken
      if (!isWhole) break
      await peer.send(block)
    }
    const reply = await replyOf(peer)
    if (!isWhole) throw peer.fail('judges what it has not read')
    return reply
  } finally {
    peer.hangUp()
  }
}

async function* request({ user }: SpamdCall, sent: Sent): AsyncGenerator<Uint8Array> {
  const head = [...sent.head, ...(user === undefined ? [] : [`User: ${user}`])].join('\r\n')
  yield Buffer.from(`${head}\r\n\r\n`, 'utf8')
  yield Buffer.from(sent.preface, 'latin1')
  yield* sent.message.read()
}

async function replyOf(peer: Peer): Promise<Reply> {
  const lines = (await peer.readTo('\r\n\r\n', largestHead)).toString('utf8').split('\r\n')
  const [, code, words] =
    /^SPAMD\/\d{1,3}\.\d{1,3} (\d{1,3}) (.{0,200})$/.exec(lines[0] ?? '') ?? []
  if (code === undefined) throw peer.fail(`says ${JSON.stringify(lines[0]?.slice(0, 200))}`)
  if (code !== '0') throw peer.fail(`says ${code} ${words}`)
  const fields = new Map(
    lines.slice(1).map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const
    }),
  )
  const digits = fields.get('content-length') ?? '0'
  if (!/^\d{1,10}$/.test(digits)) throw peer.fail('gives no length')
  if (Number(digits) > largestBody) throw peer.fail('says too much')
  const body = (await peer.readExactly(Number(digits))).toString('utf8')
  return { fields, body, fail: (detail) => peer.fail(detail) }
}
