/** What became of messages, as matchup tells it: a line for each delivery, and one for each message that left the queue. */

/** What is known of a message while it is in the queue. */
export interface QueuedMessage {
  readonly bytes: number
  readonly sender: string
  readonly qp: string
  readonly uid: string
  readonly birth: string
}

/** One try for one recipient. Times are decimal seconds since 1970, as they stand in the log. */
export interface DeliveryRecord {
  readonly kind: 'delivery'
  /** k: success, d: failure, z: deferral. */
  readonly result: 'k' | 'd' | 'z'
  readonly birth: string
  readonly start: string
  readonly end: string
  readonly bytes: number
  /** `<a@b>` in lower case; `?` where the log begins after its message. */
  readonly sender: string
  /** `local.` or `remote.` and the address, in lower case. */
  readonly recipient: string
  readonly qp: string
  readonly uid: string
  readonly reason: string
}

/** A message that has left the queue. */
export interface MessageRecord {
  readonly kind: 'message'
  readonly birth: string
  readonly end: string
  readonly bytes: number
  readonly successes: number
  readonly failures: number
  readonly deferrals: number
  readonly sender: string
  readonly qp: string
  readonly uid: string
}

/** `warning` stands as it was; what is not understood stands behind a `?`. */
export interface OtherRecord {
  readonly kind: 'warning' | 'unknown'
  readonly line: string
}

export type LogRecord = DeliveryRecord | MessageRecord | OtherRecord

export function formatRecord(record: LogRecord): string {
  switch (record.kind) {
    case 'delivery': {
      const { result, birth, start, end, bytes, sender, recipient, qp, uid, reason } = record
      return `d ${result} ${birth} ${start} ${end} ${bytes} ${sender} ${recipient} ${qp} ${uid} ${reason}`
    }
    case 'message': {
      const { birth, end, bytes, successes, failures, deferrals, sender, qp, uid } = record
      return `m ${birth} ${end} ${bytes} ${successes} ${failures} ${deferrals} ${sender} ${qp} ${uid}`
    }
    case 'warning':
      return record.line
    case 'unknown':
      return `? ${record.line}`
  }
}

/** A line that matchup has written. @returns undefined for what is none, and for its `?` lines */
export function parseRecord(line: string): DeliveryRecord | MessageRecord | undefined {
  const words = line.split(' ')
  const [kind, ...rest] = words
  if (kind === 'd' && words.length >= 10) {
    const [result = '', birth = '', start = '', end = '', bytes, sender = '', recipient = ''] = rest
    const [qp = '', uid = '', reason = ''] = rest.slice(7)
    if (result !== 'k' && result !== 'd' && result !== 'z') return undefined
    const who = { sender, recipient, qp, uid, reason }
    return { kind: 'delivery', result, birth, start, end, bytes: count(bytes), ...who }
  }
  if (kind !== 'm' || words.length !== 10) return undefined
  const [birth = '', end = '', bytes, k, d, z, sender = '', qp = '', uid = ''] = rest
  return {
    kind: 'message',
    birth,
    end,
    bytes: count(bytes),
    successes: count(k),
    failures: count(d),
    deferrals: count(z),
    sender,
    qp,
    uid,
  }
}

/** A number that only names something, without leading zeros; `0` where there is none. */
export function digits(text: string | undefined): string {
  return /^0*(\d{1,20})/.exec(text ?? '')?.[1] ?? '0'
}

/** Leading digits, as scan_ulong reads them. */
export function count(text: string | undefined): number {
  const digits = /^\d{1,15}/.exec(text ?? '')?.[0]
  return digits === undefined ? 0 : Number(digits)
}
