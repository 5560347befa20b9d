/**
 * The policy that the receiver asks: the current generation of the chain, for each session the one it
 * began with. Exchanging the generation disturbs nobody.
 */
import type { Environment } from '../mail/environment.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import type { Archive } from '../runtime/archive.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type {
  ConnectionFacts,
  Introduction,
  Newcomer,
  Policy,
  ReceiverSettings,
  SessionPolicy,
  TlsChoice,
} from '../smtp/policy.ts'
import { clientLimits } from './client-limits.ts'
import type { CrashWatch } from './crash-watch.ts'
import type { Generation } from './generation.ts'
import { Inquiry } from './inquiry.ts'
import { LoginEnvironments } from './login-environments.ts'
import { SessionRecorder, type TransactionTap } from './session-recorder.ts'
import { FilterSession } from './session.ts'
import { settingsFault } from './refusals.ts'
import type { Objection } from './step.ts'
import type { StandIn } from './stand-in.ts'
import { TraceWriter } from './trace-writer.ts'

/** What tcp.smtp says of a client. Equal rules give one and the same environment. */
export type EnvironmentOf = (client: Newcomer) => {
  readonly environment: Environment
  readonly denied: boolean
}

/** The name of a client by DNS, where a rule wants to know it and nobody has said it. Never rejects. */
export type NameOf = (client: Newcomer) => MaybePromise<string | undefined>

/** What ident says of a client, where its listener wants to know it. Never rejects. */
export type InfoOf = NameOf

export interface FilterPolicyParts {
  readonly generation: Generation
  readonly environmentOf: EnvironmentOf
  readonly nameOf?: NameOf
  readonly infoOf?: InfoOf
  /** Why what a rule has chosen for a client's TLS cannot be used there. */
  readonly tlsProblem?: (listener: string, choice: TlsChoice) => string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly traces: Archive
  readonly standIn: StandIn
  readonly crashWatch?: CrashWatch | undefined
  readonly tap?: TransactionTap
  /** So much of each header is kept with its explanation; 8 KB where nothing is said. */
  readonly headBytes?: () => number
}

const usualHeadBytes = 8_192

export class FilterPolicy implements Policy {
  readonly #parts: FilterPolicyParts
  readonly #writer: TraceWriter
  readonly #loginEnvironments = new LoginEnvironments()
  readonly #limitsFor = clientLimits()
  #generation: Generation

  constructor(parts: FilterPolicyParts) {
    this.#parts = parts
    this.#writer = new TraceWriter(parts.traces, parts.log)
    this.#generation = parts.generation
    this.#writer.useChain(parts.generation)
  }

  get generation(): Generation {
    return this.#generation
  }

  /** Explanations of accepted mail that were not kept because the store was behind. */
  get tracesDropped(): number {
    return this.#writer.dropped
  }

  /** New sessions get `next`, which must be open. Resolves when the last session of the old one is over. */
  async useGeneration(next: Generation): Promise<void> {
    const before = this.#generation
    if (next === before) return
    this.#writer.useChain(next)
    this.#generation = next
    await before.retire()
  }

  introduce(newcomer: Newcomer): MaybePromise<Introduction> {
    const { nameOf, infoOf } = this.#parts
    // Both at once: each may take its time.
    const named = newcomer.remoteName === undefined ? nameOf?.(newcomer) : newcomer.remoteName
    const said = infoOf?.(newcomer)
    return after(named, (remoteName) =>
      after(said, (remoteInfo) =>
        this.#introduced({
          ...newcomer,
          ...(remoteName === undefined ? {} : { remoteName }),
          ...(remoteInfo === undefined ? {} : { remoteInfo }),
        }),
      ),
    )
  }

  #introduced(newcomer: Newcomer): Introduction {
    const { environment, denied } = this.#parts.environmentOf(newcomer)
    const found = this.#limitsFor(environment)
    const { remoteName, remoteInfo } = newcomer
    return {
      ...(remoteName === undefined ? {} : { remoteName }),
      ...(remoteInfo === undefined ? {} : { remoteInfo }),
      environment,
      denied,
      limits: found.ok ? found.limits : {},
    }
  }

  tlsFor(listener: string, { environment }: Introduction): TlsChoice | undefined {
    return this.#settings(this.#generation, listener, environment).settings.tls
  }

  open(facts: ConnectionFacts): SessionPolicy {
    const generation = this.#generation
    const { clock, log } = this.#parts
    const { environment, denied } = facts.introduction ?? this.#parts.environmentOf(facts)
    const { settings, sound } = this.#settings(generation, facts.listener, environment)
    const isSound = sound && this.#hasTls(facts.listener, settings, environment)
    const refusal = this.#refusal(environment, denied) ?? (isSound ? undefined : settingsFault)
    const inquiry = new Inquiry(generation, { clock, log })
    inquiry.environment = environment
    const recorder = new SessionRecorder({
      inquiry,
      facts,
      hostname: settings.hostname,
      refusal,
      headBytes: this.#parts.headBytes?.() ?? usualHeadBytes,
      writer: this.#writer,
      tap: this.#parts.tap,
      log,
    })
    generation.enter()
    return new FilterSession({
      inquiry,
      recorder,
      settings,
      refusal,
      standIn: this.#parts.standIn,
      afterLogin: (before, variables) => {
        const after = this.#loginEnvironments.after(before, variables)
        return { environment: after, ...this.#settings(generation, facts.listener, after) }
      },
      crashWatch: this.#parts.crashWatch,
      ended: () => generation.leave(),
    })
  }

  /** Before any entry is asked. */
  #refusal(environment: Environment, denied: boolean): Objection | undefined {
    const limits = this.#limitsFor(environment)
    if (limits.ok) return denied ? limits.denied : undefined
    this.#parts.log.error('receiver.setting-unusable', { problem: limits.problem })
    return settingsFault
  }

  /** Without what was chosen for its TLS a client is not served: neither in the clear nor by another certificate. */
  #hasTls(listener: string, { tls }: ReceiverSettings, environment: Environment): boolean {
    const problem = tls === undefined ? undefined : this.#parts.tlsProblem?.(listener, tls)
    if (problem === undefined) return true
    this.#parts.log.error('receiver.setting-unusable', {
      problem: `${problem}; by ${environment.source}`,
    })
    return false
  }

  #settings(
    generation: Generation,
    listener: string,
    environment: Environment,
  ): { readonly settings: ReceiverSettings; readonly sound: boolean } {
    const found = generation.settingsOf(listener, environment)
    if (!found.ok) this.#parts.log.error('receiver.setting-unusable', { problem: found.problem })
    return { settings: found.settings, sound: found.ok }
  }
}
