/** Puts stored transactions to a candidate's chain, one after the other, and says what would have come of them. */
import { FilterPolicy, type EnvironmentOf } from '../filter/policy.ts'
import { StandIn } from '../filter/stand-in.ts'
import { readRecord, wholeRecord, type Trace } from '../filter/trace-reader.ts'
import type { Generation } from '../filter/generation.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Archive, RecordAbout, TallyQuestion } from '../runtime/archive.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { silentLog } from '../tools/silent-log.ts'
import type { StoredTrace } from '../trace/traced-period.ts'
import { keptBody, type KeptCopies } from './kept-bodies.ts'
import type { Recall } from './recalled-answers.ts'
import { readRecorded, type RecordedSession } from './recorded-session.ts'
import { replayChain, type Replaying } from './replay-chain.ts'
import { ReplayCase, type Unreplayable } from './replay-case.ts'
import { replaySession } from './replay-session.ts'
import { isSameVerdict, verdictsOf, type ReplayedVerdict } from './replayed-verdict.ts'

export interface ReplayedRecipient {
  /** Absent where there was no RCPT. */
  readonly recipient?: string
  readonly was: ReplayedVerdict
  readonly is: ReplayedVerdict
}

export type Replayed =
  | { readonly outcome: 'same' }
  | { readonly outcome: 'changed'; readonly recipients: readonly ReplayedRecipient[] }
  | ({ readonly outcome: 'not-replayable' } & Unreplayable)

export interface ReplayerParts {
  /** Not open; its doors are those of a replay, with the same `recall`. */
  readonly candidate: Generation
  readonly replaying: Replaying
  readonly recall: Recall
  /** What the candidate's rules say of a client. */
  readonly environmentOf: EnvironmentOf
  /** Whether they want to know its name. */
  readonly wantsName: (address: string) => boolean
  readonly listeners: ReadonlySet<string>
  /** What the spool still holds; absent: nothing. */
  readonly kept?: KeptCopies
}

export class Replayer {
  readonly #parts: ReplayerParts
  readonly #policy: FilterPolicy
  readonly #written = new LastRecord()

  constructor(parts: ReplayerParts) {
    this.#parts = parts
    this.#policy = new FilterPolicy({
      generation: replayChain(parts.candidate, parts.replaying),
      environmentOf: (client) =>
        client.environment === undefined
          ? parts.environmentOf(client)
          : { environment: client.environment, denied: false },
      clock: systemClock,
      log: silentLog,
      traces: this.#written,
      standIn: new StandIn(new Uint8Array(32)),
    })
  }

  async replay({ trace, record, chain }: StoredTrace): Promise<Replayed> {
    const recorded = readRecorded(trace, record)
    if (typeof recorded === 'string') return { outcome: 'not-replayable', why: recorded }
    const was = verdictsOf(trace)
    if (was === undefined) return { outcome: 'not-replayable', why: 'steps were not kept' }
    const environmentChanged = this.#environmentChanged(recorded)
    const unfit = this.#unfit(recorded, environmentChanged)
    if (unfit !== undefined) return { outcome: 'not-replayable', why: unfit }
    const { recall, replaying, kept } = this.#parts
    const body = async () => kept && keptBody(kept, trace)
    const replayCase = new ReplayCase({ recorded, chain, recall, environmentChanged, body })
    this.#written.forget()
    await replaying.run(replayCase, () => replaySession(this.#policy, replayCase))
    const { unreplayable } = replayCase
    if (unreplayable !== undefined) return { outcome: 'not-replayable', ...unreplayable }
    return compared(trace, was, { now: this.#written.trace, ...refusedBy(replayCase) })
  }

  #unfit(
    { trace, remote, remoteName, handedOver }: RecordedSession,
    environmentChanged: boolean,
  ): string | undefined {
    const { listeners, wantsName } = this.#parts
    if (!listeners.has(trace.listener)) return `there is no listener ${trace.listener} any more`
    const wanted = !handedOver && remoteName === undefined && wantsName(remote.address)
    return wanted && environmentChanged ? "the client's name was not looked up" : undefined
  }

  #environmentChanged({
    trace: { listener },
    remote,
    remoteName,
    environment: then,
    handedOver,
  }: RecordedSession): boolean {
    if (handedOver) return false
    const client = { listener, remote, ...(remoteName === undefined ? {} : { remoteName }) }
    const { variables } = this.#parts.environmentOf(client).environment
    return (
      variables.size !== then.variables.size ||
      [...variables].some(([name, value]) => then.variables.get(name) !== value)
    )
  }
}

interface Outcome {
  /** Absent: the candidate refused nothing, and nothing was opened. */
  readonly now: Trace | undefined
  /** Of a login that it refused: nothing came after it. */
  readonly refusal?: ReplayedVerdict
}

function refusedBy({ refusedLogin }: ReplayCase): Pick<Outcome, 'refusal'> {
  if (refusedLogin === undefined) return {}
  const { ruling, status, text } = refusedLogin
  const verdict = ruling === 'defer' ? 'deferred' : 'rejected'
  return { refusal: { verdict, stage: 'auth', reason: 'LOGIN', status, text } }
}

function compared(
  { recipients, stage }: Trace,
  was: readonly ReplayedVerdict[],
  { now, refusal }: Outcome,
): Replayed {
  const otherwise = refusal ?? ({ verdict: 'passed', stage } as const)
  const is = (now === undefined ? undefined : verdictsOf(now)) ?? [otherwise]
  const last = is.at(-1) ?? otherwise
  const all = was.map((before, index): ReplayedRecipient => {
    const address = recipients[index]?.address
    const pair = { was: before, is: is[index] ?? last }
    return address === undefined ? pair : { recipient: address, ...pair }
  })
  const changed = all.filter((each) => !isSameVerdict(each.was, each.is))
  return changed.length === 0 ? { outcome: 'same' } : { outcome: 'changed', recipients: changed }
}

/** An archive that keeps the last record alone. */
class LastRecord implements Archive {
  readonly waiting = 0
  readonly dropped = 0
  #chain: JsonObject = {}
  #record: JsonObject | undefined

  get trace(): Trace | undefined {
    return this.#record && readRecord(this.#record, this.#chain)
  }

  forget(): void {
    this.#record = undefined
  }

  addLater(head: JsonObject, { json, detail }: RecordAbout): void {
    const whole: JsonObject = json === undefined ? head : JSON.parse(json())
    const beside: JsonValue = JSON.parse(detail?.() ?? '{}')
    this.#record = wholeRecord(whole, beside)
  }

  noteLater(_key: string, chain: JsonObject): void {
    this.#chain = chain
  }

  note(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  find(): ReturnType<Archive['find']> {
    return Promise.resolve({ rows: [] })
  }

  tally({ beyond }: TallyQuestion): ReturnType<Archive['tally']> {
    return Promise.resolve({ counts: [], upTo: beyond, isComplete: true })
  }

  extent(): ReturnType<Archive['extent']> {
    return Promise.resolve({ newest: 0, sizeBytes: 0 })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
