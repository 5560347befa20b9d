/**
 * Sends each domain that asks for it (`_smtp._tls`, RFC 8460 §3) what was counted of the day before, once, some hours into
 * the new one. That a report is queued is remembered in the store; losing that costs one report too many.
 */
import { gzipSync } from 'node:zlib'
import { formatMailbox, type Mailbox } from '../../mail/address.ts'
import { doubleBounceUser } from '../../mail/double-bounce.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Queue } from '../../queue/queue.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Dns } from '../../runtime/dns.ts'
import type { Log } from '../../runtime/log.ts'
import type { Random } from '../../runtime/random.ts'
import type { Store, StoreTable } from '../../runtime/store.ts'
import { dayOf, readDay, tlsCountTable, type DomainDay } from './counts.ts'
import { reportAddresses, reportMessage, tlsReport, type Submitter } from './report.ts'

export interface ReporterOptions {
  /** RFC 8460 §3: who gets a report wants it signed (DKIM): it is to sign what it is given. */
  readonly queue: Pick<Queue, 'begin'>
  readonly store: Store
  readonly dns: Dns
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Asked each time; undefined where reports are not wanted. */
  readonly submitter: () => Submitter | undefined
}

const dayMs = 86_400_000
/** A wall clock that was set, and a configuration that was changed, are noticed by then. */
const lookMs = 3_600_000
/** Not everybody reports at midnight (§4.2). */
const longestDelayMs = 4 * 3_600_000
const maxReports = 10_000
/** Longer than the day can still be reported. */
const rememberedMs = 3 * dayMs

export class TlsReporter {
  readonly #options: ReporterOptions
  readonly #counts: StoreTable
  readonly #sent: StoreTable
  readonly #delayMs: number
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  readonly #stop = new AbortController()

  constructor(options: ReporterOptions) {
    this.#options = options
    this.#counts = tlsCountTable(options.store)
    this.#sent = options.store.table('tls_reports_sent', { maxEntries: maxReports * 2 })
    this.#delayMs = options.random.integer(longestDelayMs)
  }

  start(): void {
    this.#sleep()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#timer?.cancel()
    await this.#looking
  }

  #sleep(): void {
    if (this.#stop.signal.aborted) return
    this.#timer = this.#options.clock.after(lookMs, () => {
      this.#looking = this.#look().then(() => this.#sleep())
    })
  }

  async #look(): Promise<void> {
    const { clock, log, submitter } = this.#options
    const from = submitter()
    const now = clock.now()
    if (from === undefined || now % dayMs < this.#delayMs) return
    try {
      const days = await readDay(this.#counts, dayOf(now - dayMs))
      for (const about of days.slice(0, maxReports)) {
        if (this.#stop.signal.aborted) return
        await this.#report(about, from)
      }
    } catch (error) {
      if (!isPosternError(error)) throw error
      log.error('tls_report.trouble', { error: error.message })
    }
  }

  async #report(about: DomainDay, from: Submitter): Promise<void> {
    const { clock, log } = this.#options
    const { domain, day } = about
    const key = `${day} ${domain}`
    if ((await this.#sent.get(key)) !== undefined) return
    const wanted = await this.#wantedBy(domain)
    if (wanted === undefined) return
    const gzip = gzipSync(JSON.stringify(tlsReport(about, from)))
    for (const to of wanted) {
      await this.#send(to, reportMessage({ ...from, to, about, gzip, now: clock.now() }))
      log.info('tls_report.sent', { domain, day, to: formatMailbox(to) })
    }
    await this.#sent.put(key, wanted.length, clock.now() + rememberedMs)
  }

  /** Undefined where the DNS does not answer: then it is asked again in an hour. */
  async #wantedBy(domain: string): Promise<readonly Mailbox[] | undefined> {
    try {
      const answer = await this.#options.dns.txt(`_smtp._tls.${domain}`, this.#stop.signal)
      return answer.answer === 'found' ? reportAddresses(answer.records) : []
    } catch (error) {
      if (isPosternError(error, 'DNS_FAILED')) return undefined
      throw error
    }
  }

  async #send(to: Mailbox, text: string): Promise<void> {
    const { queue } = this.#options
    const draft = queue.begin()
    try {
      await draft.write(Buffer.from(text))
      await draft.end()
      await draft.commit([
        {
          disposition: 'deliver',
          headerEdits: [],
          // Should it fail, nobody is to be told of that.
          envelope: {
            reversePath: null,
            recipients: [{ mailbox: to }],
            bodyType: '7bit',
            smtputf8: false,
            requireTls: false,
            user: doubleBounceUser,
          },
        },
      ])
    } finally {
      draft.abort()
    }
  }
}
