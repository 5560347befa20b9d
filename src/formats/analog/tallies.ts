/** What the reports add up, in bounded memory: of too many keys those beyond the bound share one row. */
import type { DeliveryRecord, MessageRecord } from './records.ts'

const otherKeys = '(others)'
const mostKeys = 1_000_000
/** Distinct delays that are told apart to six digits; of more, three are enough. */
const mostDelays = 500_000

/** One row of the reports of recipients and of their hosts. */
export interface RecipientTally {
  sbytes: number
  successes: number
  failures: number
  deferrals: number
  xdelay: number
}

/** One row of the reports of senders and of uids. */
export interface SenderTally {
  messages: number
  bytes: number
  sbytes: number
  rbytes: number
  successes: number
  failures: number
  deferrals: number
  xdelay: number
}

/** One row of the reports of reasons. */
export interface ReasonTally {
  deliveries: number
  xdelay: number
}

export interface Overall {
  messages: number
  recipients: number
  tries: number
  messageBytes: number
  weightedBytes: number
  qtime: number
  deliveries: number
  successes: number
  failures: number
  ddelay: number
  xdelay: number
  /** Undefined before anything was seen. */
  first: number | undefined
  last: number
}

export class Tallies {
  readonly overall: Overall = {
    messages: 0,
    recipients: 0,
    tries: 0,
    messageBytes: 0,
    weightedBytes: 0,
    qtime: 0,
    deliveries: 0,
    successes: 0,
    failures: 0,
    ddelay: 0,
    xdelay: 0,
    first: undefined,
    last: 0,
  }
  readonly senders = new Bounded(newSender)
  readonly uids = new Bounded(newSender)
  readonly recipients = new Bounded(newRecipient)
  readonly hosts = new Bounded(newRecipient)
  readonly reasons = {
    k: new Bounded(newReason),
    d: new Bounded(newReason),
    z: new Bounded(newReason),
  }
  /** How often each ddelay of a success was seen. */
  readonly delays = new Map<number, number>()

  message(record: MessageRecord): void {
    const { bytes, successes, failures, deferrals } = record
    const { overall } = this
    const [birth, end] = [Number(record.birth), Number(record.end)]
    overall.messages += 1
    overall.messageBytes += bytes
    overall.weightedBytes += bytes * successes
    overall.qtime += end - birth
    overall.recipients += successes + failures
    overall.tries += successes + failures + deferrals
    this.#saw(birth, end)
    for (const row of [this.senders.row(record.sender), this.uids.row(record.uid)]) {
      row.messages += 1
      row.bytes += bytes
      row.sbytes += bytes * successes
      row.rbytes += bytes * (successes + failures)
      row.successes += successes
      row.failures += failures
      row.deferrals += deferrals
    }
  }

  delivery(record: DeliveryRecord): void {
    const { result, bytes, recipient, reason } = record
    const { overall } = this
    const [birth, start, end] = [Number(record.birth), Number(record.start), Number(record.end)]
    const xdelay = end - start
    overall.deliveries += 1
    overall.xdelay += xdelay
    if (result === 'k') {
      overall.successes += 1
      overall.ddelay += end - birth
      this.#delay(end - birth)
    }
    if (result === 'd') overall.failures += 1
    this.#saw(birth, end)
    this.senders.row(record.sender).xdelay += xdelay
    this.uids.row(record.uid).xdelay += xdelay
    for (const row of [this.recipients.row(recipient), this.hosts.row(hostOf(recipient))]) {
      row.xdelay += xdelay
      if (result === 'k') row.sbytes += bytes
      if (result === 'k') row.successes += 1
      else if (result === 'd') row.failures += 1
      else row.deferrals += 1
    }
    const why = this.reasons[result].row(reason)
    why.deliveries += 1
    why.xdelay += xdelay
  }

  /** The original looks at the birth of messages and of deliveries, and at their ends. */
  #saw(birth: number, end: number): void {
    const { overall } = this
    if (overall.first === undefined) {
      overall.first = birth
      overall.last = end
      return
    }
    if (birth < overall.first) overall.first = birth
    if (end > overall.last) overall.last = end
  }

  /** To six significant digits, as awk prints it. */
  #delay(delay: number): void {
    const precise = Number(delay.toPrecision(this.delays.size < mostDelays ? 6 : 3))
    this.delays.set(precise, (this.delays.get(precise) ?? 0) + 1)
  }
}

/** Rows by their key, up to a bound. */
export class Bounded<Row> {
  readonly #rows = new Map<string, Row>()
  readonly #make: () => Row

  constructor(make: () => Row) {
    this.#make = make
  }

  row(key: string): Row {
    const found = this.#rows.get(key)
    if (found !== undefined) return found
    if (this.#rows.size >= mostKeys && key !== otherKeys) return this.row(otherKeys)
    const made = this.#make()
    this.#rows.set(key, made)
    return made
  }

  entries(): Iterable<readonly [key: string, row: Row]> {
    return this.#rows
  }
}

function hostOf(recipient: string): string {
  return recipient.slice(recipient.lastIndexOf('@') + 1)
}

function newRecipient(): RecipientTally {
  return { sbytes: 0, successes: 0, failures: 0, deferrals: 0, xdelay: 0 }
}

function newSender(): SenderTally {
  const none = { messages: 0, bytes: 0, sbytes: 0, rbytes: 0 }
  return { ...none, successes: 0, failures: 0, deferrals: 0, xdelay: 0 }
}

function newReason(): ReasonTally {
  return { deliveries: 0, xdelay: 0 }
}
