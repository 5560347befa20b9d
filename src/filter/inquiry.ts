/**
 * One session's questions to its chain. Every question leaves a step; none throws, none hangs, and a
 * hook that answers at once costs no promise. The verdict of a fault is what the entry's `on_fault`
 * says; it never becomes a pass by accident.
 */
import { emptyEnvironment, type Environment } from '../mail/environment.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Session } from '../mail/session.ts'
import type { Stage } from '../mail/status.ts'
import type { Findings } from '../plugin/finding.ts'
import type { TakenMessage } from '../plugin/plugin.ts'
import { isPlainPass, type AnyVerdict } from '../plugin/verdict.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Breaker } from './breaker.ts'
import { verdictFault } from './check-verdict.ts'
import { Consultation } from './consultation.ts'
import type { AskedPlace, Events, Question } from './entry.ts'
import { abortedVerdict, errorDetail, errorFault, faultVerdict, type Fault } from './fault.ts'
import { FindingBook } from './findings.ts'
import type { Generation } from './generation.ts'
import type { Step } from './step.ts'
import type { StepNotes } from './step-notes.ts'
import { Trail } from './trail.ts'

/** A hook that computes longer than this before it first waits holds up every session. */
const longestHoldMs = 250

export interface Asking {
  /** Instead of the entry's own, where the time is shared. */
  readonly timeoutMs?: number
  /** Instead of what is known so far. */
  readonly findings?: Findings
  /** How many recipients a verdict may speak of. */
  readonly recipients?: number
}

/** One question that is being asked. */
interface Asked {
  readonly startedMs: number
  /** Of what it depends on; absent where nothing was asked. */
  readonly breaker?: Breaker
  /** Of what its doors answered, where somebody follows that. */
  readonly notes?: StepNotes | undefined
}

interface Answered extends Asked {
  readonly breaker: Breaker
  readonly durationMs: number
  readonly how: Asking
}

const plainly: Asking = Object.freeze({})

export class Inquiry {
  readonly generation: Generation
  readonly clock: Clock
  readonly findings = new FindingBook()
  readonly trail = new Trail()
  /** In force now; a login may change it. */
  environment: Environment = emptyEnvironment
  /** As it was at the last question. */
  session: Session | undefined
  stage: Stage = 'connect'
  /** The recipient that is being asked about, counted from 1 within the transaction; 0 outside `rcpt`. */
  round = 0
  /** While the stages before RCPT are walked through once more: whoever could not prove to be allowed may still do so. */
  provesLater = false
  readonly #log: Log
  readonly #running = new Set<Consultation>()
  #ended = false
  /** When something happened last: reading the clock once for each answer is enough. */
  #nowMs = 0

  constructor(
    generation: Generation,
    { clock, log }: { readonly clock: Clock; readonly log: Log },
  ) {
    this.generation = generation
    this.clock = clock
    this.#log = log
  }

  get ended(): boolean {
    return this.#ended
  }

  begin(stage: Stage, session: Session): void {
    this.stage = stage
    this.session = session
    this.#nowMs = this.clock.monotonicMs()
  }

  ask<Q extends Question>(
    place: AskedPlace<Q>,
    event: Events[Q],
    how: Asking = plainly,
  ): MaybePromise<Step> {
    const startedMs = this.#nowMs
    const { entry } = place
    if (this.#ended) return this.#faulted(place, sessionOver, { startedMs })
    const inForce = entry.optionsFor(this.environment)
    if (!inForce.ok) {
      return this.#faulted(place, { kind: 'options', detail: inForce.problem }, { startedMs })
    }
    const findings = how.findings ?? (entry.shadow ? this.findings.shadow : this.findings.enforced)
    const consultation = new Consultation(place, inForce.values, findings)
    const breaker = entry.breakers.of(inForce.values)
    if (breaker.state !== 'closed') {
      const settled = this.#unasked(place, event, { consultation, startedMs, how })
      if (settled !== undefined) return settled
      if (!breaker.allows(startedMs)) return this.#faulted(place, breakerOpen, { startedMs })
    }
    const { recorder } = entry
    const notes = recorder.begin()
    let answer: MaybePromise<AnyVerdict>
    try {
      const given =
        notes === undefined
          ? place.ask(event, consultation)
          : recorder.run(notes, () => place.ask(event, consultation))
      // A promise of another library may throw where one of ours rejects.
      answer = isPromise(given) ? Promise.resolve(given) : given
    } catch (error) {
      return this.#faulted(place, errorFault('threw', error), { startedMs, breaker, notes })
    }
    const heldMs = this.#passed() - startedMs
    if (heldMs > longestHoldMs)
      this.#log.warn('entry.held-the-loop', this.#named(place, { heldMs }))
    return answer instanceof Promise
      ? this.#wait(consultation, answer, { startedMs, breaker, how, notes })
      : this.#answered(place, answer, { startedMs, durationMs: heldMs, breaker, how, notes })
  }

  /** Calls off whatever is being asked of `which`. */
  callOff(which: (place: Consultation['place']) => boolean): void {
    for (const consultation of this.#running) if (which(consultation.place)) consultation.callOff()
  }

  /** The client is gone: nothing is asked any more, and what is being asked is called off. */
  end(): void {
    this.#ended = true
    this.callOff(() => true)
  }

  /** The session is over: those are told that keep something by session. */
  tellEnd(): void {
    const { session } = this
    if (session === undefined) return
    for (const { name, instance } of this.generation.sessionKeepers) {
      try {
        instance.sessionEnded?.(session)
      } catch (error) {
        this.#log.error('session-end.failed', { entry: name, detail: errorDetail(error) })
      }
    }
  }

  /** Adds a line to the explanation that nobody was asked for. */
  note(kind: 'spoken' | 'lifted', { place, verdict }: Step): void {
    const startedMs = this.#nowMs
    const { stage, round } = this
    this.trail.add({
      kind,
      place,
      stage,
      round,
      verdict,
      startedMs,
      durationMs: 0,
      remembered: false,
    })
  }

  /**
   * What needs nothing of a dependency that does not answer is said all the same, and says nothing about it. One that fails
   * at this is asked as if it had nothing to say: else it would rest for ever.
   */
  #unasked<Q extends Question>(
    place: AskedPlace<Q>,
    event: Events[Q],
    {
      consultation,
      startedMs,
      how,
    }: {
      readonly consultation: Consultation
      readonly startedMs: number
      readonly how: Asking
    },
  ): Step | undefined {
    let verdict: AnyVerdict | undefined
    let fault: Fault | undefined
    try {
      verdict = place.unasked?.(event, consultation)
      if (verdict !== undefined) fault = verdictFault(verdict, place, how.recipients ?? 0)
    } catch (error) {
      fault = errorFault('threw', error)
    }
    if (fault !== undefined) this.#count(place, fault)
    if (verdict === undefined || fault !== undefined) return undefined
    const durationMs = this.#passed() - startedMs
    return this.#stepped(place, verdict, { startedMs, durationMs, fault })
  }

  #passed(): number {
    this.#nowMs = this.clock.monotonicMs()
    return this.#nowMs
  }

  async #wait(
    consultation: Consultation,
    answer: Promise<AnyVerdict>,
    asked: Omit<Answered, 'durationMs'>,
  ): Promise<Step> {
    const { place } = consultation
    this.#running.add(consultation)
    const heard = await consultation.wait({
      clock: this.clock,
      timeoutMs: asked.how.timeoutMs ?? place.entry.timeoutMs,
      late: () => this.#late(place),
      answer,
    })
    this.#running.delete(consultation)
    if (heard.heard === 'fault') return this.#faulted(place, heard.fault, asked)
    const durationMs = this.#passed() - asked.startedMs
    return this.#answered(place, heard.answer, { ...asked, durationMs })
  }

  #answered(
    place: Consultation['place'],
    verdict: AnyVerdict,
    { startedMs, durationMs, breaker, how, notes }: Answered,
  ): Step {
    const fault = verdictFault(verdict, place, how.recipients ?? 0)
    if (fault !== undefined) return this.#faulted(place, fault, { startedMs, breaker, notes })
    if (breaker.state !== 'closed') this.#log.info('breaker.closed', this.#named(place, {}))
    breaker.answered()
    return this.#stepped(place, verdict, { startedMs, durationMs, fault, notes })
  }

  #faulted(place: Consultation['place'], fault: Fault, { startedMs, breaker, notes }: Asked): Step {
    const { entry } = place
    const nowMs = this.#passed()
    const verdict =
      fault.kind === 'aborted' ? abortedVerdict : faultVerdict(entry.onFault, place.question)
    if (fault.kind !== 'aborted') this.#count(place, fault)
    if (fault.kind === 'aborted' || fault.passing === true) breaker?.calledOff()
    else if (breaker?.faulted(nowMs) === true) {
      this.#log.error('breaker.opened', this.#named(place, {}))
    }
    const durationMs = nowMs - startedMs
    return this.#stepped(place, verdict, { startedMs, durationMs, fault, notes })
  }

  #count(place: Consultation['place'], fault: Fault): void {
    const { entry } = place
    entry.counts.faults += 1
    if (fault.kind === 'breaker-open') return
    const { kind, detail } = fault
    this.#log.error('entry.fault', this.#named(place, { kind, detail, onFault: entry.onFault }))
  }

  #late(place: Consultation['place']): void {
    place.entry.counts.lateAnswers += 1
    this.#log.debug('entry.answered-late', this.#named(place, {}))
  }

  #stepped(
    place: Consultation['place'],
    verdict: AnyVerdict,
    how: Omit<Answered, 'how' | 'breaker'> & { readonly fault: Fault | undefined },
  ): Step {
    const doors = place.entry.recorder.end(how.notes)
    const step: Step = {
      kind: 'asked',
      place,
      stage: this.stage,
      round: this.round,
      verdict,
      fault: how.fault,
      startedMs: how.startedMs,
      durationMs: how.durationMs,
      remembered: false,
      doors,
    }
    this.trail.add(step)
    this.generation.meter.asked(step)
    if (!isPlainPass(verdict) && verdict.findings !== undefined && place.question !== 'message') {
      this.findings.keep(verdict.findings, place.question, place.entry.shadow)
    }
    if (this.generation.observers.length > 0) this.#tell(step)
    return step
  }

  tellTaken(event: TakenMessage): void {
    for (const { name, instance } of this.generation.takers) {
      try {
        instance.taken?.(event)
      } catch (error) {
        this.#log.error('observer.failed', { entry: name, detail: errorDetail(error) })
      }
    }
  }

  /** Those who watch cannot decide: whatever an observer does, the answer stands. */
  #tell({ place, stage, verdict, fault }: Step): void {
    const { session } = this
    if (session === undefined) return
    const observation = {
      session,
      stage,
      entry: place.entry.name,
      verdict: fault === undefined ? verdict.verdict : ('fault' as const),
      ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    }
    for (const { name, instance } of this.generation.observers) {
      try {
        instance.observe?.(observation)
      } catch (error) {
        this.#log.error('observer.failed', { entry: name, detail: errorDetail(error) })
      }
    }
  }

  #named<F extends object>(
    { entry, question }: Consultation['place'],
    fields: F,
  ): F & { entry: string; question: string; session: string } {
    return { entry: entry.name, question, session: this.session?.id ?? '', ...fields }
  }
}

const sessionOver: Fault = { kind: 'aborted', detail: 'the session is over' }
const breakerOpen: Fault = { kind: 'breaker-open', detail: 'too many faults in a row' }

/** By what it can do: a promise of another library is one too. */
function isPromise<T>(answer: MaybePromise<T>): answer is Promise<T> {
  return (
    answer instanceof Promise ||
    (typeof answer === 'object' &&
      answer !== null &&
      'then' in answer &&
      typeof answer.then === 'function')
  )
}
