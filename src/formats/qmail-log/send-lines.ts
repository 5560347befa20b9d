/**
 * Events of the queue and the courier as the lines that qmail-send writes, for programs that read those: matchup and its
 * reports, qmailmrtg, operators' own. The order is qmail's: `starting delivery`, `status`, `delivery`, `status`,
 * `bounce msg`, `end msg`.
 *
 * A message is known by the number that its queue id stands for, and that number is its `qp` too. Deliveries are counted
 * from 1 in each process; of several workers each has every so many'th number, so that no two share one.
 */
import { messageNumber, numberOf, oneLine, oneWord, textOf, type HappenedEvent } from './words.ts'

export interface SendLinesOptions {
  /** Which of several workers writes, from 1. */
  readonly worker: number
  readonly workers: number
  /** What stands where qmail names who queued a message. */
  readonly uid: number
}

type Channel = 'local' | 'remote'
type Fields = HappenedEvent['fields']

const outcomes: ReadonlyMap<string, string> = new Map([
  ['delivery.delivered', 'success'],
  ['delivery.failed', 'failure'],
  ['delivery.deferred', 'deferral'],
])

/** Rooms whose troubles qmail-send would have told of. */
const troubled = /^(?:bounce|courier|delivery|hop|log|message|queue|shard|spool|worker)\./

export class QmailSendLines {
  readonly #options: SendLinesOptions
  /** Deliveries under way, and how many there may be. */
  readonly #slots = { local: { taken: 0, limit: 10 }, remote: { taken: 0, limit: 20 } }
  #exiting = false

  constructor(options: SendLinesOptions) {
    this.#options = options
  }

  /** @returns lines without stamps and ends; none for what qmail-send would not have told */
  lines({ event, fields, level }: HappenedEvent): readonly string[] {
    const outcome = outcomes.get(event)
    if (outcome !== undefined) return this.#ended(outcome, fields)
    switch (event) {
      case 'gateway.opened':
        this.#exiting = false
        for (const slot of Object.values(this.#slots)) slot.taken = 0
        return [this.#status()]
      case 'gateway.closing':
        this.#exiting = true
        return [this.#status()]
      case 'gateway.closed':
        return ['status: exiting']
      case 'message.queued':
        return this.#queued(fields)
      case 'delivery.started':
        return this.#started(fields)
      case 'bounce.queued':
      case 'bounce.held': {
        const bounce = messageNumber(fields['bounceId'])
        return [`bounce msg ${messageNumber(fields['queueId'])} qp ${bounce}`]
      }
      case 'bounce.dropped':
        return [`triple bounce: discarding bounce/${messageNumber(fields['queueId'])}`]
      case 'message.ended':
      case 'message.removed':
        return [`end msg ${messageNumber(fields['queueId'])}`]
      default:
        if (!troubled.test(event) || (level !== 'warn' && level !== 'error')) return []
        return [`${level === 'warn' ? 'warning' : 'alert'}: ${event}${details(fields)}`]
    }
  }

  #queued({ queueId, sizeBytes, reversePath }: Fields): readonly string[] {
    const number = messageNumber(queueId)
    const { uid } = this.#options
    const size = numberOf(sizeBytes) ?? 0
    return [
      `new msg ${number}`,
      `info msg ${number}: bytes ${size} from ${oneWord(textOf(reversePath))} qp ${number} uid ${uid}`,
    ]
  }

  #started({ queueId, delivery, recipient, channel, limit }: Fields): readonly string[] {
    const slot = this.#slots[channelOf(channel)]
    slot.taken += 1
    slot.limit = numberOf(limit) ?? slot.limit
    const to = `${channelOf(channel)} ${oneWord(textOf(recipient))}`
    return [
      `starting delivery ${this.#number(delivery)}: msg ${messageNumber(queueId)} to ${to}`,
      this.#status(),
    ]
  }

  /** A report ends with the line end of the program that made it: a last `/`. */
  #ended(outcome: string, { delivery, channel, text, remote }: Fields): readonly string[] {
    const slot = this.#slots[channelOf(channel)]
    slot.taken = Math.max(0, slot.taken - 1)
    const host = typeof remote === 'string' ? `${remote} said: ` : ''
    const report = textOf(text) === '' ? '' : oneWord(`${host}${textOf(text)}\n`)
    return [`delivery ${this.#number(delivery)}: ${outcome}: ${report}`, this.#status()]
  }

  #number(delivery: Fields[string]): number {
    const { worker, workers } = this.#options
    return ((numberOf(delivery) ?? 1) - 1) * workers + worker
  }

  #status(): string {
    const { local, remote } = this.#slots
    const slots = `local ${local.taken}/${local.limit} remote ${remote.taken}/${remote.limit}`
    return `status: ${slots}${this.#exiting ? ' exitasap' : ''}`
  }
}

function channelOf(value: Fields[string]): Channel {
  return value === 'local' ? 'local' : 'remote'
}

/** What else an event says, in the order in which it says it. */
function details(fields: Fields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      return ` ${name}=${oneLine(text.slice(0, 500))}`
    })
    .join('')
}
