/**
 * Reads the replies of a next hop from a stream of bytes (RFC 5321 §4.2), strictly: lines end in CRLF,
 * every line of a reply has the same code, and there is a limit to everything. A breach is a PosternError
 * PEER_FAILED, after which nothing more can be believed of this connection.
 */
import { PosternError } from '../../mail/errors.ts'
import { printable } from '../../mail/reply.ts'
import type { PermanentStatus, SuccessStatus, TransientStatus } from '../../mail/status.ts'

/** A reply as it came; lines are latin1 text without the code, and hold whatever the peer wrote. */
export interface HopReply {
  readonly code: number
  readonly lines: readonly [string, ...string[]]
}

/** RFC 5321 §4.5.3.1.5 allows 512. Of a longer line so much is read: what its code says counts all the same. */
const maxLineBytes = 2048
/** … unless it does not end. */
const maxDropped = 65_536
const maxLines = 100
const line = /^([2-5]\d\d)(?:([ -])(.*))?$/s

export class ReplyReader {
  #pending = ''
  /** Bytes of the pending line that nobody reads. */
  #dropped = 0
  #begun: { code: number; lines: [string, ...string[]] } | undefined

  /** Whether part of a reply has come in, and not its end. */
  get midway(): boolean {
    return this.#pending !== '' || this.#begun !== undefined
  }

  /**
   * Takes the bytes that came in, gives the replies they complete.
   * @throws PosternError PEER_FAILED
   */
  push(chunk: Uint8Array): readonly HopReply[] {
    const text = this.#pending + Buffer.from(chunk).toString('latin1')
    const replies: HopReply[] = []
    let from = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      const reply = this.#take(text.slice(from, end))
      if (reply !== undefined) replies.push(reply)
      from = end + 1
    }
    this.#hold(text.slice(from))
    return replies
  }

  #hold(text: string): void {
    this.#pending = text
    if (text.length <= 2 * maxLineBytes) return
    // The last one may be the CR of its end.
    this.#pending = text.slice(0, maxLineBytes) + text.slice(-1)
    this.#dropped += text.length - this.#pending.length
    if (this.#dropped > maxDropped) throw breach('a reply line without end')
  }

  #take(raw: string): HopReply | undefined {
    this.#dropped = 0
    if (!raw.endsWith('\r')) throw breach('a reply line that ends in a bare LF')
    const [, digits, separator, text = ''] =
      line.exec(raw.slice(0, -1).slice(0, maxLineBytes)) ?? []
    if (digits === undefined) throw breach(`'${printable(raw.slice(0, 80))}', which is no reply`)
    const code = Number(digits)
    if (this.#begun === undefined) this.#begun = { code, lines: [text] }
    else if (this.#begun.code !== code) throw breach('a reply of several codes')
    else this.#begun.lines.push(text)
    if (this.#begun.lines.length > maxLines) throw breach('a reply of too many lines')
    if (separator === '-') return undefined
    const reply = this.#begun
    this.#begun = undefined
    return reply
  }
}

function breach(what: string): PosternError {
  return new PosternError('PEER_FAILED', `it sent ${what}`)
}

const longestQuote = 5000

/** The reply for people, in several lines where it came so; nothing in it but printable ASCII. */
export function quoteReply({ code, lines }: HopReply): string {
  return lines
    .map((text) => `${code} ${printable(text)}`.trimEnd())
    .join('\n')
    .slice(0, longestQuote)
}

/** Its enhanced status code (RFC 2034), if it has one that agrees with its code. */
function enhancedDigits({ code, lines: [first] }: HopReply): readonly [number, number] | undefined {
  const [, kind, subject, detail] = /^([245])\.(\d{1,3})\.(\d{1,3})(?: |$)/.exec(first) ?? []
  return Number(kind) === Math.floor(code / 100) ? [Number(subject), Number(detail)] : undefined
}

/** The status of a reply that says yes, `2.0.0` where it names none. */
export function successStatus(reply: HopReply): SuccessStatus {
  const [subject, detail] = enhancedDigits(reply) ?? [0, 0]
  return `2.${subject}.${detail}`
}

/** The status of a reply that says not now, `4.0.0` where it names none. */
export function transientStatus(reply: HopReply): TransientStatus {
  const [subject, detail] = enhancedDigits(reply) ?? [0, 0]
  return `4.${subject}.${detail}`
}

/** The status of a reply that says never, `5.0.0` where it names none. */
export function permanentStatus(reply: HopReply): PermanentStatus {
  const [subject, detail] = enhancedDigits(reply) ?? [0, 0]
  return `5.${subject}.${detail}`
}
