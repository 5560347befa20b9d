/** The audit log: every change, who, when, from where, and what; bounded, and without a secret. */
import { withoutSecrets as withoutSecretText } from '../formats/secret-text.ts'
import type { AdminRecords } from '../runtime/admin-records.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Caller } from './route.ts'

export interface Deed {
  readonly caller: Caller
  readonly what: string
  readonly target?: string
  readonly details?: unknown
  readonly done: boolean
}

const secretKeys = /password|token|secret|^current$|^key$/i
const longestTarget = 320
const longestDetails = 4_000
const longestText = 500

export class Journal {
  readonly #records: AdminRecords
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: Log

  constructor(records: AdminRecords, clock: Pick<Clock, 'now'>, log: Log) {
    this.#records = records
    this.#clock = clock
    this.#log = log
  }

  /** What cannot be written down is done all the same, and the log says so. */
  record({ caller, what, target = '', details, done }: Deed): void {
    const about = {
      what,
      who: caller.name,
      from: caller.from,
      target: target.slice(0, longestTarget),
      done,
    }
    this.#log.info('admin.change', about)
    const written = details === undefined ? undefined : JSON.stringify(details, withoutSecrets)
    try {
      this.#records.audit({
        at: this.#clock.now(),
        ...about,
        ...(written === undefined ? {} : { details: bounded(written) }),
      })
    } catch (error) {
      this.#log.error('admin.not-audited', { ...about, error: String(error) })
    }
  }
}

/** A details text that was too long is no JSON any more: it says so itself. */
function bounded(text: string): string {
  return text.length <= longestDetails
    ? text
    : JSON.stringify({ cut: text.slice(0, longestDetails / 2) })
}

function withoutSecrets(key: string, value: unknown): unknown {
  if (typeof value === 'string') {
    if (secretKeys.test(key)) return '***'
    const shown = withoutSecretText(value.slice(0, longestText))
    return value.length > longestText ? `${shown}…` : shown
  }
  return value
}
