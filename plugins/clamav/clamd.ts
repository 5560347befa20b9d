/**
 * clamd's protocol (clamd(8), "z" commands): the message goes over the connection in chunks, a line comes back. Only
 * a line that says so is taken for clean or infected; a hang, half a line, an error or nonsense is an error of ours.
 */
import type { Message, NetAddress } from 'postern/plugin'
import { inBlocks } from '../shared/peer/in-blocks.ts'
import { Peer, type PeerDoors } from '../shared/peer/peer.ts'

export interface ClamdCall {
  readonly connectMs: number
  readonly patienceMs: number
  readonly signal: AbortSignal
}

export type ScanAnswer =
  | { readonly answer: 'clean' }
  | { readonly answer: 'found'; readonly signature: string }
  /** clamd's own StreamMaxLength. */
  | { readonly answer: 'too-large' }

/** Longer than any path or signature that clamd reports. */
const longestReply = 4096
const pingMs = 5_000

/** Scans a message. @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED */
export async function scan(
  doors: PeerDoors,
  address: NetAddress,
  { message, ...call }: ClamdCall & { readonly message: Message },
): Promise<ScanAnswer> {
  const peer = await Peer.connect(doors, { address, ...call })
  try {
    // Where clamd speaks before the end, it wants no more.
    let isWhole = true
    for await (const block of inBlocks(request(message))) {
      isWhole = !peer.hasSpoken
      if (!isWhole) break
      await peer.send(block)
    }
    const reply = (await peer.readTo('\0', longestReply)).toString('utf8')
    const answer = scanAnswer(reply)
    if (answer === undefined) throw peer.fail(`says ${JSON.stringify(reply.slice(0, 200))}`)
    if (answer.answer === 'clean' && !isWhole) throw peer.fail('calls clean what it has not read')
    return answer
  } finally {
    peer.hangUp()
  }
}

/** Each chunk after its length, a length of 0 at the end. */
async function* request(message: Message): AsyncGenerator<Uint8Array> {
  yield Buffer.from('zINSTREAM\0')
  for await (const chunk of message.read()) {
    yield lengthOf(chunk)
    yield chunk
  }
  yield lengthOf(new Uint8Array())
}

function lengthOf(chunk: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(chunk.length)
  return bytes
}

/** @returns undefined for anything that clamd does not say */
export function scanAnswer(reply: string): ScanAnswer | undefined {
  if (reply === 'stream: OK') return { answer: 'clean' }
  if (reply === 'INSTREAM size limit exceeded. ERROR') return { answer: 'too-large' }
  if (!reply.startsWith('stream: ') || !reply.endsWith(' FOUND')) return undefined
  const signature = reply.slice('stream: '.length, -' FOUND'.length)
  return signature.trim() === '' ? undefined : { answer: 'found', signature: clean(signature) }
}

/** It goes into replies and header fields. */
function clean(signature: string): string {
  return signature.slice(0, 200).replace(/[^\x21-\x7e]/g, '?')
}

/** Whether it is there and well. @throws as `scan` */
export async function ping(
  doors: PeerDoors,
  address: NetAddress,
  signal: AbortSignal,
): Promise<void> {
  await say(doors, address, { word: 'PING', expected: /^PONG$/, signal })
}

/** What it calls itself: `ClamAV 1.4.3/27451/Sat Nov 21 …`. @throws as `scan` */
export async function version(
  doors: PeerDoors,
  address: NetAddress,
  signal: AbortSignal,
): Promise<string> {
  return say(doors, address, { word: 'VERSION', expected: /^ClamAV /, signal })
}

/** When the signatures were made that it scans with, from what VERSION answers; undefined where it has none, or will not say. */
export function signaturesAt(said: string): number | undefined {
  const [, written = ''] = /^ClamAV [^/]{1,40}\/\d{1,10}\/([\w :]{20,40})$/.exec(said) ?? []
  const at = Date.parse(written)
  return Number.isNaN(at) ? undefined : at
}

interface Word {
  readonly word: 'PING' | 'VERSION'
  readonly expected: RegExp
  readonly signal: AbortSignal
}

async function say(
  doors: PeerDoors,
  address: NetAddress,
  { word, expected, signal }: Word,
): Promise<string> {
  const call = { address, connectMs: pingMs, patienceMs: pingMs, signal }
  const peer = await Peer.connect(doors, call)
  try {
    await peer.send(`z${word}\0`)
    const reply = (await peer.readTo('\0', longestReply)).toString('utf8')
    if (!expected.test(reply)) throw peer.fail(`says ${JSON.stringify(reply.slice(0, 200))}`)
    return reply
  } finally {
    peer.hangUp()
  }
}
