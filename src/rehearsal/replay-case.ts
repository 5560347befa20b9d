/**
 * One stored transaction that is put to another chain: what each entry answers. An entry that is the same, and knows the
 * same, answers what it answered; one that is not is asked again, with the answers that its doors gave then. Where that
 * is not enough, nobody guesses: the transaction cannot be replayed.
 */
import {
  isLoginQuestion,
  type Entry,
  type Place,
  type Question,
  type Values,
} from '../filter/entry.ts'
import { list, object } from '../filter/read-json.ts'
import { readFindings, readVerdict } from '../filter/read-verdict.ts'
import type { TracedStep } from '../filter/trace-reader.ts'
import { mailboxKey } from '../mail/address.ts'
import type { Environment } from '../mail/environment.ts'
import { errorMessage } from '../mail/errors.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import { nextTurn } from '../mail/next-turn.ts'
import type { ObjectionRuling } from '../mail/ruling.ts'
import type { Session, Transaction } from '../mail/session.ts'
import type { Silence } from '../mail/silence.ts'
import { allowed, relayClient, type FindingKey } from '../plugin/finding.ts'
import type { HookContext } from '../plugin/stage.ts'
import { pass, type AnyVerdict } from '../plugin/verdict.ts'
import { RecalledAnswers, type Recall } from './recalled-answers.ts'
import type { RecordedSession } from './recorded-session.ts'
import { RecordedSteps } from './recorded-steps.ts'

/** Why a transaction cannot be replayed. */
export interface Unreplayable {
  /** Whose answer is missing; absent where it is nobody's. */
  readonly entry?: string
  readonly why: string
}

export interface CaseRequest {
  readonly recorded: RecordedSession
  /** The chain that decided then, as it was stored. */
  readonly chain: JsonObject
  readonly recall: Recall
  /** Of its message, where it is kept. @throws PosternError DISK_FAILED */
  readonly body: () => Promise<Uint8Array | undefined>
  /** The candidate's rules give the client other variables. */
  readonly environmentChanged: boolean
}

export interface Asked {
  readonly place: Place
  readonly about: { readonly session?: Session; readonly transaction?: Transaction }
  readonly context: HookContext<Values>
  /** Asks the entry of the candidate, by an instance that remembers nothing of other transactions. */
  readonly again: (instance: Entry['instance']) => MaybePromise<AnyVerdict>
}

export class ReplayCase {
  readonly recorded: RecordedSession
  /** The RCPT that is asked about, from 1; 0 outside. */
  round = 0
  readonly #request: CaseRequest
  readonly #steps: RecordedSteps
  readonly #fingerprints: JsonObject
  /** Findings that were too long to be kept whole. */
  readonly #cut = new Set<string>()
  /** Of entries that take doors: what these answered in another transaction, they must not remember. */
  readonly #instances = new Map<string, Entry['instance']>()
  /** Why its login is refused now. */
  refusedLogin: ObjectionRuling | undefined
  #unreplayable: Unreplayable | undefined
  #body: Promise<Uint8Array | undefined> | undefined

  constructor(request: CaseRequest) {
    this.#request = request
    this.recorded = request.recorded
    this.#steps = new RecordedSteps(request.recorded.trace)
    this.#fingerprints = object(request.chain['fingerprints'])
  }

  get unreplayable(): Unreplayable | undefined {
    return this.#unreplayable
  }

  /** What a client did before it was greeted, nobody knows any more. */
  get silence(): Silence {
    const missed = (): void => this.missed('it waits for an early talker')
    return {
      get broken() {
        missed()
        return false
      },
      lasts() {
        missed()
        return Promise.resolve(true)
      },
    }
  }

  /** The step that is taken again wants something that was not kept. */
  missed(what: string): void {
    this.#request.recall.getStore()?.miss(what)
  }

  /** Whether anything is asked for by a step that is taken again. */
  get isAsked(): boolean {
    return this.#request.recall.getStore() !== undefined
  }

  /**
   * Whether a back end of the candidate knows who logged in. A password is in no record: one that is as it was says what it
   * said, and of any other nobody knows what it would say.
   * @param places in the order in which they are asked
   * @param environment in force before the login
   */
  knowsLogin(places: readonly Place[], environment: Environment): boolean {
    for (const { entry, question } of places) {
      if (entry.shadow || !isLoginQuestion(question)) continue
      const step = this.#steps.ofLogin(entry.name, question)
      // Its conditions are among what has not changed: it was not asked then, and is not now.
      if (step === undefined && entry.condition !== undefined && this.#isAsItWas(entry)) continue
      const same = this.#isAsItWas(entry) && this.#hasOptionsAsThen(entry, environment)
      if (step === undefined || step.fault !== undefined || !same) {
        this.#give(entry, 'nobody knows what it would say of the login: no password is kept')
        return true
      }
      if (step.verdict === 'accept') return true
    }
    return false
  }

  /** Read when an entry asks for it first. @throws PosternError DISK_FAILED */
  body(): Promise<Uint8Array | undefined> {
    const body = (this.#body ??= this.#request.body())
    return this.#request.recall.getStore()?.real(body) ?? body
  }

  answer(asked: Asked): MaybePromise<AnyVerdict> {
    const { entry, question } = asked.place
    const step = this.#steps.next({ entry: entry.name, question, round: this.round })
    const same = step !== undefined && this.#isSame(entry, step, asked)
    if (same && !entry.readsFiles) return this.#recall(step)
    const again = this.#canSee(question) ? this.#again(asked, step) : headerIsGone
    const settle = (taken: Taken): AnyVerdict => {
      if ('verdict' in taken) return taken.verdict
      return same ? this.#recall(step) : this.#give(entry, taken.why)
    }
    return again instanceof Promise ? again.then(settle) : settle(again)
  }

  /** A fault was a fact, and what it leads to is the candidate's to say. */
  #recall({ details, fault }: TracedStep): AnyVerdict {
    if (fault !== undefined) throw new Error(`${fault.kind}: ${fault.detail}`)
    const findings = readFindings(details)
    for (const { name, value } of findings) if (isCut(value)) this.#cut.add(name)
    const verdict = readVerdict(details)
    return findings.length === 0 ? verdict : { ...verdict, findings }
  }

  #give({ name, shadow }: Entry, why: string): AnyVerdict {
    if (!shadow) this.#unreplayable ??= { entry: name, why }
    return pass()
  }

  #isSame(entry: Entry, step: TracedStep, { about, context }: Asked): boolean {
    return (
      this.#isAsItWas(entry) &&
      !this.#request.environmentChanged &&
      this.#sameRecipients(about.transaction) &&
      seenBy(entry).every(
        (key) =>
          canonical(context.findings.get(key)) ===
          canonical(this.#steps.findingBefore(step, key.name)),
      )
    )
  }

  /** Plugin, options and what their files hold. */
  #isAsItWas({ name, fingerprint }: Entry): boolean {
    return fingerprint !== undefined && this.#fingerprints[name] === fingerprint
  }

  /** Most back ends have no option that rules for the client change. */
  #hasOptionsAsThen(entry: Entry, environment: Environment): boolean {
    const then = entry.optionsFor(this.recorded.environment)
    const now = entry.optionsFor(environment)
    return !this.#request.environmentChanged || (then.ok && now.ok && then.values === now.values)
  }

  /** Signers are shown the header with all edits: of one that was not kept whole nothing can be shown. */
  #canSee(question: Question): boolean {
    const { head, bodyOffset } = this.recorded
    return question !== 'sign' || (head !== undefined && head.length >= bodyOffset)
  }

  /** A hook sees those accepted so far, and its verdict may count them. */
  #sameRecipients(transaction: Transaction | undefined): boolean {
    if (transaction === undefined) return true
    const { recipients, trace } = this.recorded
    const before = this.round === 0 ? recipients.length : this.round - 1
    const then = recipients.filter(
      (_, index) => trace.recipients[index]?.accepted && index < before,
    )
    return (
      then.length === transaction.recipients.length &&
      then.every(({ mailbox }, index) => {
        const now = transaction.recipients[index]
        return now !== undefined && mailboxKey(now.mailbox) === mailboxKey(mailbox)
      })
    )
  }

  #instanceOf(entry: Entry): Entry['instance'] {
    if (!entry.recorder.isUsed) return entry.instance
    const instance = this.#instances.get(entry.name) ?? entry.renew()
    this.#instances.set(entry.name, instance)
    return instance
  }

  #again({ place, again }: Asked, step: TracedStep | undefined): MaybePromise<Taken> {
    const { entry } = place
    const cut = seenBy(entry).find(({ name }) => this.#cut.has(name))
    if (cut !== undefined) return { why: `the finding ${cut.name} was not kept whole` }
    const { startedAt } = this.recorded.trace
    const at = startedAt + (step?.startedMs ?? 0)
    const recalled = new RecalledAnswers(step?.doors ?? [], { entry: entry.name, at })
    const judge = (verdict: AnyVerdict): Taken =>
      recalled.missed === undefined ? { verdict } : { why: whyNot(recalled, step) }
    const failed = (error: unknown): Taken => {
      if (recalled.missed !== undefined) return { why: whyNot(recalled, step) }
      if (step?.fault !== undefined) throw error
      return { why: `it fails: ${errorMessage(error)}` }
    }
    try {
      const instance = this.#instanceOf(entry)
      const verdict = this.#request.recall.run(recalled, () => again(instance))
      if (!(verdict instanceof Promise)) return judge(verdict)
      return settled(verdict, recalled).then(judge, failed)
    } catch (error) {
      return failed(error)
    }
  }
}

const headerIsGone: Taken = { why: 'it wants the header, which is not kept whole' }

type Taken = { readonly verdict: AnyVerdict } | { readonly why: string }

function whyNot({ missed = '' }: RecalledAnswers, step: TracedStep | undefined): string {
  return step === undefined ? `it was not asked then; now ${missed}` : missed
}

/** Turns of the event loop that an answer may take which waits for nothing real. */
const mostTurns = 500
const turnsBeforeTimers = 4
/** Most answers need promises alone, and a turn of the loop costs more than all of these. */
const mostTicks = 64

/** Everything that it can wait for answers at once; then its timers are due, one after the other. */
async function settled(
  answer: Promise<AnyVerdict>,
  recalled: RecalledAnswers,
): Promise<AnyVerdict> {
  let over = false
  const end = (): void => void (over = true)
  answer.then(end, end)
  for (let tick = 0; tick < mostTicks; tick++) {
    // oxlint-disable-next-line no-await-in-loop -- waiting is what it does
    await Promise.resolve()
    if (over) return answer
  }
  for (let turn = 1; turn <= mostTurns; turn++) {
    // oxlint-disable-next-line no-await-in-loop -- waiting is what it does
    await (recalled.underWay ?? nextTurn())
    if (over) return answer
    if (recalled.missed !== undefined) break
    if (recalled.underWay !== undefined) continue
    if (turn % turnsBeforeTimers === 0) recalled.fireTimer()
  }
  recalled.miss('it waits for an answer that did not come then')
  answer.catch(() => undefined)
  return pass()
}

/** Findings on which its answer may depend. */
function seenBy({ awaits, reads }: Entry): readonly FindingKey<JsonValue>[] {
  return [...awaits, allowed, relayClient].filter(({ name }) => reads.has(name))
}

function canonical(value: JsonValue | undefined): string {
  return JSON.stringify(value ?? null)
}

function isCut(value: JsonValue): boolean {
  if (typeof value === 'string') return value.endsWith('…')
  if (typeof value !== 'object' || value === null) return false
  return (Array.isArray(value) ? list(value) : Object.values(value)).some(isCut)
}
