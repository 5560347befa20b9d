/**
 * The policy that the receiver asks: the current generation of the chain, for each session the one it
 * began with. Exchanging the generation disturbs nobody.
 */
import type { Environment } from '../mail/environment.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { ConnectionFacts, Policy, ReceiverSettings, SessionPolicy } from '../smtp/policy.ts'
import type { CrashWatch } from './crash-watch.ts'
import type { Generation } from './generation.ts'
import { Inquiry } from './inquiry.ts'
import { LoginEnvironments } from './login-environments.ts'
import { SessionRecorder } from './session-recorder.ts'
import { FilterSession } from './session.ts'
import { denied, settingsFault } from './refusals.ts'
import type { StandIn } from './stand-in.ts'
import { TraceWriter } from './trace-writer.ts'
import type { TraceTables } from './trace-tables.ts'

/** What tcp.smtp says of a client. Equal rules give one and the same environment. */
export type EnvironmentOf = (facts: ConnectionFacts) => {
  readonly environment: Environment
  readonly denied: boolean
}

export interface FilterPolicyParts {
  readonly generation: Generation
  readonly environmentOf: EnvironmentOf
  readonly clock: Clock
  readonly log: Log
  readonly traces: TraceTables
  readonly standIn: StandIn
  readonly crashWatch?: CrashWatch | undefined
}

export class FilterPolicy implements Policy {
  readonly #parts: FilterPolicyParts
  readonly #writer: TraceWriter
  readonly #loginEnvironments = new LoginEnvironments()
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

  open(facts: ConnectionFacts): SessionPolicy {
    const generation = this.#generation
    const { clock, log } = this.#parts
    const { environment, denied: isDenied } = this.#parts.environmentOf(facts)
    const { settings, sound } = this.#settings(generation, facts.listener, environment)
    const refusal = isDenied ? denied : sound ? undefined : settingsFault
    const inquiry = new Inquiry(generation, { clock, log })
    inquiry.environment = environment
    const recorder = new SessionRecorder({
      inquiry,
      facts,
      hostname: settings.hostname,
      refusal,
      writer: this.#writer,
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
