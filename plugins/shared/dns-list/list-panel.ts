/**
 * Several DNS lists, asked about one client or domain at once. A list that cannot be asked, or answers nonsense, three
 * times in a row is not asked any more until it passes its own test (RFC 5782 §5), tried every few minutes; so one dead
 * list costs its share of the budget three times, and takes nobody else with it.
 */
import {
  isPosternError,
  together,
  type Clock,
  type Dns,
  type DnsAnswer,
  type JsonObject,
  type Log,
  type MaybePromise,
  type PluginMetrics,
  type Timer,
} from 'postern/plugin'
import { anyCode, readListing, type DnsList } from './dns-list.ts'

/** What a list must hold and must not hold (RFC 5782 §5), as it would be asked. */
export interface TestPoints {
  readonly listed: string
  readonly notListed: string
  /** Where it holds neither it may be a list of another kind, with these. */
  readonly orElse?: TestPoints
}

/** Of `::ffff:7f00:2`, which is 127.0.0.2 to a list that holds IPv6 addresses alone: all but its last four digits. */
const mappedNet = `0.0.f.7.f.f.f.f.${'0.'.repeat(20)}`.slice(0, -1)

export const addressTestPoints: TestPoints = {
  listed: '2.0.0.127',
  notListed: '1.0.0.127',
  orElse: { listed: `2.0.0.0.${mappedNet}`, notListed: `1.0.0.0.${mappedNet}` },
}
/** Lists about links hold addresses too: some of them have these test entries, and none by name. */
export const domainTestPoints: TestPoints = {
  listed: 'test',
  notListed: 'invalid',
  orElse: { listed: '2.0.0.127', notListed: '1.0.0.127' },
}

export interface ListPanelParts {
  readonly dns: Dns
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<PluginMetrics, 'gauge'>
  readonly lists: readonly DnsList[]
  readonly testPoints: TestPoints
  /** Whether lists are tested at start and each hour; private ones may have no test entries. */
  readonly selfTest: boolean
}

export interface Hit {
  readonly list: DnsList
  readonly codes: readonly string[]
}

/** `withinMs`: for all lists together, counted from the question; `signal`: the client's. */
export interface AskTime {
  readonly signal: AbortSignal
  readonly withinMs: number
}

export interface PanelAnswer {
  readonly hits: readonly Hit[]
  /** They could not be asked, or answered nonsense. */
  readonly failed: readonly DnsList[]
  /** They are not asked: they failed before. */
  readonly resting: readonly DnsList[]
}

/** What one list says of a name. */
type Said = Hit | 'clear' | 'failed'

/** What a list says of a test point; where it says nothing of use, why. */
type Looked = 'listed' | 'clear' | { readonly problem: string }

/** What comes of a test: whether it serves, or nobody knows. */
interface Tested {
  readonly state: 'serves' | 'useless' | 'unknown'
  readonly problem: string
}

const mostFailures = 3
const retryMs = 5 * 60_000
const testEveryMs = 60 * 60_000
const testTimeoutMs = 10_000
const wordsMs = 2_000
const none: readonly DnsList[] = Object.freeze([])
const longestProblem = 200

export class ListPanel {
  readonly #parts: ListPanelParts
  readonly #failures = new Map<string, number>()
  readonly #suspended = new Set<string>()
  #timer: Timer | undefined
  #closed = false

  constructor(parts: ListPanelParts) {
    this.#parts = parts
  }

  /** Tests the lists from now on, if they are to be tested. Does not wait for them. */
  open(): void {
    for (const { base } of this.#parts.lists) this.#tell(base)
    if (this.#parts.selfTest) void this.#testAll()
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  /**
   * Asks each list for its test entries, before anybody relies on it. @returns what is well
   * @throws Error that names the lists which do not serve, and what each of them does instead
   */
  async probe(): Promise<string> {
    const { lists, selfTest } = this.#parts
    const all = await Promise.all(
      lists.map(async (list) => ({ ...(await this.#tested(list)), base: list.base })),
    )
    const bad = all.filter(({ state }) => state !== 'serves')
    if (bad.length > 0)
      throw new Error(bad.map(({ base, problem }) => `${base}: ${problem}`).join('; '))
    const what = selfTest ? 'its test entries and no others' : 'an answer'
    return all.map(({ base }) => `${base} has ${what}`).join('\n')
  }

  /** For the trace: which lists rest. */
  get suspended(): readonly string[] {
    return [...this.#suspended]
  }

  /**
   * What all lists together say of `name`, as it stands below their bases. A list that fails, or has not answered when
   * the time is up, is among `failed`. @throws PosternError ABORTED when the client is gone
   */
  ask(name: string, { signal, withinMs }: AskTime): MaybePromise<PanelAnswer> {
    const { asked, resting } = this.#askable()
    const controller = new AbortController()
    const within = controller.signal
    const answers = together(asked.map((list) => this.#askOne(list, name, { signal, within })))
    // What all lists have said lately needs no time.
    if (!(answers instanceof Promise)) return this.#summed(asked, answers, resting)
    const stop = (): void => controller.abort()
    const timer = this.#parts.clock.after(withinMs, stop)
    signal.addEventListener('abort', stop, { once: true })
    return answers
      .finally(() => {
        timer.cancel()
        signal.removeEventListener('abort', stop)
      })
      .then((all) => this.#summed(asked, all, resting))
  }

  /**
   * What the list says of it in words, for the client; undefined where it says nothing, or nothing in time. The time is
   * short: a list whose words never come must not turn a listing into a fault, which might let the client in.
   */
  async explain({ base }: DnsList, name: string): Promise<string | undefined> {
    return this.#within(wordsMs, async (signal) => {
      try {
        const { dns } = this.#parts
        const about = `${name}.${base}`
        const answer = await (dns.words?.(about, signal) ?? dns.txt(about, signal))
        return answer.answer === 'found' ? answer.records[0] : undefined
      } catch {
        // The listing stands; only its words are missing.
        return undefined
      }
    })
  }

  #askable(): { readonly asked: readonly DnsList[]; readonly resting: readonly DnsList[] } {
    const { lists } = this.#parts
    if (this.#suspended.size === 0) return { asked: lists, resting: none }
    return {
      asked: lists.filter(({ base }) => !this.#suspended.has(base)),
      resting: lists.filter(({ base }) => this.#suspended.has(base)),
    }
  }

  #askOne(
    list: DnsList,
    name: string,
    { signal, within }: { readonly signal: AbortSignal; readonly within: AbortSignal },
  ): MaybePromise<Said> {
    const answer = this.#parts.dns.ipv4(`${name}.${list.base}`, within)
    if (!(answer instanceof Promise)) return this.#heard(list, answer)
    return answer.then(
      (heard) => this.#heard(list, heard),
      (error: unknown) => {
        // A client that hangs up says nothing about the list.
        if (signal.aborted) throw error
        return this.#count(list, inWords(error))
      },
    )
  }

  /**
   * A list that has been put to rest meanwhile rests for those who still waited for it, too: they are many under load, and
   * their faults in a row would keep the entry from asking the lists that serve.
   */
  #summed(
    asked: readonly DnsList[],
    answers: readonly Said[],
    restingBefore: readonly DnsList[],
  ): PanelAnswer {
    const hits: Hit[] = []
    const failed: DnsList[] = []
    const resting = [...restingBefore]
    for (const [index, list] of asked.entries()) {
      const said = answers[index]
      if (said === 'failed') (this.#suspended.has(list.base) ? resting : failed).push(list)
      else if (typeof said === 'object') hits.push(said)
    }
    return { hits, failed, resting }
  }

  #heard(list: DnsList, answer: DnsAnswer<string>): Said {
    const listing = readListing(list, answer.answer === 'found' ? answer.records : [])
    if (listing.listed === 'nonsense') return this.#count(list, nonsense(listing.code))
    this.#failures.delete(list.base)
    return listing.listed ? { list, codes: listing.codes } : 'clear'
  }

  #count({ base }: DnsList, problem: string): 'failed' {
    const failures = (this.#failures.get(base) ?? 0) + 1
    this.#failures.set(base, failures)
    if (failures >= mostFailures) this.#suspend(base, problem)
    return 'failed'
  }

  #suspend(base: string, problem: string): void {
    if (!this.#suspended.has(base)) {
      this.#parts.log.warn('dns-list.suspended', {
        list: base,
        problem: problem.slice(0, longestProblem),
      })
    }
    this.#suspended.add(base)
    this.#tell(base)
    this.#testIn(retryMs)
  }

  /** For alerts: a gateway without its lists looks well, but for the spam. */
  #tell(list: string): void {
    const help = 'Whether a DNS list is not asked, since it failed'
    const gauge = this.#parts.metrics.gauge('list_resting', help, { list })
    gauge.set(this.#suspended.has(list) ? 1 : 0)
  }

  #resume(base: string): void {
    this.#failures.delete(base)
    if (!this.#suspended.delete(base)) return
    this.#tell(base)
    this.#parts.log.info('dns-list.resumed', { list: base })
  }

  #testIn(delayMs: number): void {
    if (this.#closed) return
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(delayMs, () => void this.#testAll())
  }

  async #testAll(): Promise<void> {
    await Promise.all(this.#parts.lists.map((list) => this.#test(list)))
    if (this.#suspended.size > 0) this.#testIn(retryMs)
    else if (this.#parts.selfTest) this.#testIn(testEveryMs)
  }

  /** Without test entries to rely on, a list that answers at all has recovered. */
  async #test(list: DnsList): Promise<void> {
    if (!this.#parts.selfTest && !this.#suspended.has(list.base)) return
    const { state, problem } = await this.#tested(list)
    if (this.#closed) return
    if (state === 'unknown') {
      // Nobody was there to ask: said, but a list that serves is not put to rest for it.
      const short = problem.slice(0, longestProblem)
      this.#parts.log.warn('dns-list.not-tested', { list: list.base, problem: short })
    } else if (state === 'useless') this.#suspend(list.base, problem)
    else this.#resume(list.base)
  }

  async #tested(list: DnsList): Promise<Tested> {
    const { testPoints, selfTest } = this.#parts
    const [listed, notListed] = await this.#lookAt(list, testPoints)
    for (const looked of [listed, notListed]) {
      if (typeof looked === 'object') return { state: 'unknown', problem: looked.problem }
    }
    if (notListed === 'listed') {
      const problem = `holds ${testPoints.notListed}, as if everybody were listed`
      return { state: 'useless', problem }
    }
    if (selfTest && listed === 'clear') {
      return { state: 'useless', problem: `does not hold ${testPoints.listed}, as if it were dead` }
    }
    return { state: 'serves', problem: '' }
  }

  /** @returns what it says of the one that it must hold, and of the one that it must not */
  async #lookAt(list: DnsList, points: TestPoints): Promise<readonly [Looked, Looked]> {
    const [listed, notListed] = await Promise.all([
      this.#look(list, points.listed),
      this.#look(list, points.notListed),
    ])
    const another = listed === 'clear' && notListed === 'clear' ? points.orElse : undefined
    return another === undefined ? [listed, notListed] : this.#lookAt(list, another)
  }

  #look({ base }: DnsList, name: string): Promise<Looked> {
    return this.#within(testTimeoutMs, async (signal) => {
      try {
        const answer = await this.#parts.dns.ipv4(`${name}.${base}`, signal)
        const records = answer.answer === 'found' ? answer.records : []
        const listing = readListing({ base, weight: 1, filter: anyCode }, records)
        if (listing.listed === 'nonsense') return { problem: nonsense(listing.code) }
        return listing.listed ? 'listed' : 'clear'
      } catch (error) {
        return { problem: inWords(error) }
      }
    })
  }

  async #within<T>(limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const timer = this.#parts.clock.after(limitMs, () => controller.abort())
    try {
      return await work(controller.signal)
    } finally {
      timer.cancel()
    }
  }
}

function nonsense(code: string): string {
  return `answers ${code}`
}

/** Who calls a question off here does so because its time is up. */
function inWords(error: unknown): string {
  if (isPosternError(error, 'ABORTED')) return 'gives no answer in time'
  return error instanceof Error ? error.message : String(error)
}

/** The hits as evidence: which list said what, and what it weighs; one that is written twice weighs what both do. */
export function evidenceOf(hits: readonly Hit[]): JsonObject {
  const byBase = Map.groupBy(hits, ({ list }) => list.base)
  return Object.fromEntries(
    [...byBase].map(([base, said]) => {
      const codes = [...new Set(said.flatMap((hit) => hit.codes))].slice(0, 8)
      const lists = new Set(said.map(({ list }) => list))
      return [base, { codes, weight: [...lists].reduce((sum, { weight }) => sum + weight, 0) }]
    }),
  )
}

export function weightOf(hits: readonly Hit[]): number {
  return hits.reduce((sum, { list: { weight } }) => sum + weight, 0)
}
