/**
 * Matches the end of each delivery with its start and with its message, as qmailanalog's matchup does. Reads qmail-send's
 * lines behind TAI64N labels, decimal stamps or a syslog header, Postern's JSON lines, and lines that matchup has
 * written. What is still open is bounded: of too much the oldest is forgotten, as if the log began later.
 */
import { parseTai64n } from '../tai64n.ts'
import {
  count,
  digits,
  parseRecord,
  type DeliveryRecord,
  type LogRecord,
  type QueuedMessage,
} from './records.ts'
import { readJsonEvent } from './json-event.ts'

interface OpenMessage extends QueuedMessage {
  readonly tally: { k: number; d: number; z: number }
}

interface OpenDelivery {
  readonly message: string
  readonly channel: string
  readonly recipient: string
  readonly start: string
}

const mostOpen = 500_000

export class Matchup {
  readonly #messages = new Map<string, OpenMessage>()
  readonly #deliveries = new Map<string, OpenDelivery>()
  readonly #most: number

  constructor(most = mostOpen) {
    this.#most = most
  }

  /** @param line without its end @returns what is known now */
  line(line: string): LogRecord | undefined {
    if (line.startsWith('{')) return this.#json(line)
    const record = /^[dm] /.test(line) ? parseRecord(line) : undefined
    if (record !== undefined) return record
    const words = withoutHeader(line).split(/[ \t]+/)
    const [stamp = '', verb] = words
    switch (verb) {
      case 'status:':
      case 'number':
      case 'local:':
      case 'remote:':
        return undefined
      case 'starting':
        return this.#starting(words)
      case 'delivery':
        return this.#delivery(words)
      case 'new':
        this.#messages.delete(digits(words[3]))
        return undefined
      case 'info':
        return this.#info(words)
      case 'extra':
        return this.#extra(words)
      case 'end':
        return this.#left(digits(words[3]), seconds(stamp))
      case 'running':
      case 'exiting':
        this.#deliveries.clear()
        return undefined
      case 'warning:':
      case 'alert:':
        return { kind: 'warning', line }
      default:
        return { kind: 'unknown', line }
    }
  }

  /** What is not matched yet, as lines for a later run, without their ends. */
  *pending(): Iterable<string> {
    for (const [number, { birth, bytes, sender, qp, uid, tally }] of this.#messages) {
      yield `${birth} info msg ${number}: bytes ${bytes} from ${sender} qp ${qp} uid ${uid}`
      yield `${birth} extra ${number} ${tally.k} ${tally.z} ${tally.d}`
    }
    for (const [number, { start, message, channel, recipient }] of this.#deliveries) {
      yield `${start} starting delivery ${number}: msg ${message} to ${channel} ${recipient}`
    }
  }

  #json(line: string): LogRecord | undefined {
    const happened = readJsonEvent(line)
    switch (happened?.what) {
      case undefined:
        return undefined
      case 'queued':
        this.#add(happened.message, happened.queued)
        return undefined
      case 'ended':
        return this.#left(happened.message, happened.at)
      case 'warning':
        return { kind: 'warning', line }
      case 'delivery': {
        const { message, channel, recipient, start, result, end, reason } = happened
        return this.#matched({ message, channel, recipient, start }, { result, end, reason })
      }
    }
  }

  #starting(words: readonly string[]): undefined {
    const [stamp = '', , , delivery, , message, , channel = '', recipient = ''] = words
    put(this.#deliveries, this.#most, digits(delivery), {
      message: digits(message),
      channel,
      recipient: recipient.toLowerCase(),
      start: seconds(stamp),
    })
  }

  #delivery([stamp = '', , number, how = '', report = '']: readonly string[]):
    | DeliveryRecord
    | undefined {
    const key = digits(number)
    const open = this.#deliveries.get(key)
    const result = results.find(([begin]) => how.startsWith(begin))?.[1]
    if (open === undefined || result === undefined) return undefined
    this.#deliveries.delete(key)
    const reason = how.startsWith('report') ? 'report_mangled' : report
    return this.#matched(open, { result, end: seconds(stamp), reason })
  }

  #matched(
    { message, channel, recipient, start }: OpenDelivery,
    ended: Pick<DeliveryRecord, 'result' | 'end' | 'reason'>,
  ): DeliveryRecord {
    const known = this.#messages.get(message)
    if (known !== undefined) known.tally[ended.result] += 1
    const { birth, bytes, sender, qp, uid } = known ?? { ...stranger, birth: start }
    return {
      kind: 'delivery',
      birth,
      start,
      bytes,
      sender,
      recipient: `${channel}.${recipient}`,
      qp,
      uid,
      ...ended,
    }
  }

  #info(words: readonly string[]): undefined {
    const [stamp = '', , , message, , bytes, , sender = '', , qp, , uid] = words
    this.#add(digits(message), {
      bytes: count(bytes),
      sender: sender.toLowerCase(),
      qp: digits(qp),
      uid: digits(uid),
      birth: seconds(stamp),
    })
  }

  #add(message: string, queued: QueuedMessage): void {
    put(this.#messages, this.#most, message, { ...queued, tally: { k: 0, d: 0, z: 0 } })
  }

  #extra([, , message, k, z, d]: readonly string[]): undefined {
    const open = this.#messages.get(digits(message))
    if (open === undefined) return
    open.tally.k = count(k)
    open.tally.z = count(z)
    open.tally.d = count(d)
  }

  #left(message: string, end: string): LogRecord | undefined {
    const open = this.#messages.get(message)
    if (open === undefined) return undefined
    this.#messages.delete(message)
    const { tally, birth, bytes, sender, qp, uid } = open
    const { k: successes, d: failures, z: deferrals } = tally
    return { kind: 'message', birth, end, bytes, successes, failures, deferrals, sender, qp, uid }
  }
}

const results = [
  ['succ', 'k'],
  ['fail', 'd'],
  ['defer', 'z'],
  ['report', 'z'],
] as const

const stranger = { bytes: 0, sender: '?', qp: '?', uid: '?' }

/** As new and at the end of the order; the oldest goes where there are too many. */
function put<V>(map: Map<string, V>, most: number, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= most) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}

/** `Aug  1 05:30:08 host qmail: 901967408.113926 new msg 19287`: what syslogd has put before it is not wanted. */
function withoutHeader(line: string): string {
  return /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ \S+: (.*)$/.exec(line)?.[1] ?? line
}

/** A TAI64N label as decimal seconds; other stamps stay as they are. */
export function seconds(stamp: string): string {
  if (!stamp.startsWith('@')) return stamp
  const instant = parseTai64n(stamp.slice(0, 25))
  if (instant === undefined) return stamp
  const whole = Math.floor(instant.epochMs / 1000)
  const nanoseconds = (instant.epochMs - whole * 1000) * 1_000_000 + instant.nanoseconds
  return `${whole}.${String(nanoseconds).padStart(9, '0')}`
}
