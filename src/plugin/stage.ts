import type { MailParameters, Recipient, ReversePath } from '../mail/envelope.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Message } from '../mail/message.ts'
import type { Session, Transaction } from '../mail/session.ts'
import type { Silence } from '../mail/silence.ts'
import type { Stage } from '../mail/status.ts'
import type { Findings } from './finding.ts'
import type { Accept, Defer, Discard, Pass, PerRecipient, Quarantine, Reject } from './verdict.ts'

/** What a plugin may vouch for at `rcpt`: a recipient of ours, or a client that may relay. */
export type Vouches = 'local' | 'relay'

/**
 * What a hook sees at each stage, and what it may answer. `V` is `never` for a plugin that does not vouch; `Given` are
 * the names of the findings that it declares in `provides`.
 */
export interface Stages<V extends Vouches = Vouches, Given extends string = never> {
  connect: {
    /** `silence`: what the client does before it is greeted. */
    event: { readonly session: Session; readonly silence: Silence }
    verdict: Pass<Given> | Defer<Given> | Reject<Given>
  }
  hello: {
    event: { readonly session: Session }
    verdict: Pass<Given> | Defer<Given> | Reject<Given>
  }
  /** Policy and throttling around a login; the back ends (`verify`) say who it is. */
  auth: {
    event: { readonly session: Session; readonly mechanism: string; readonly user: string }
    verdict: Pass<Given> | Defer<Given> | Reject<Given>
  }
  mail: {
    event: {
      readonly session: Session
      readonly reversePath: ReversePath
      readonly parameters: MailParameters
    }
    verdict: Pass<Given> | Defer<Given> | Reject<Given>
  }
  rcpt: {
    event: { readonly transaction: Transaction; readonly recipient: Recipient }
    verdict:
      | Pass<Given>
      | Defer<Given>
      | Reject<Given>
      | ([V] extends [never] ? never : Accept<Given>)
  }
  data: {
    event: { readonly transaction: Transaction }
    verdict: Pass<Given> | Defer<Given> | Reject<Given>
  }
  message: {
    event: {
      readonly transaction: Transaction
      readonly message: Message
      /** For a plugin that declares `replaces`: to whom the message would go, as indexes of the recipients; absent: to all. */
      readonly passing?: readonly number[]
    }
    verdict:
      | Pass<Given>
      | Defer<Given>
      | Reject<Given>
      | Quarantine<Given>
      | Discard<Given>
      | PerRecipient<Given>
  }
}

/** What happens when a hook throws, times out or cannot do its work. */
export type FaultOutcome = 'defer' | 'pass' | 'reject' | 'quarantine'

/** What every hook is handed beside its event. `Read`: the names of the findings that it may read. */
export interface HookContext<Options, Read extends string = string> {
  /** The entry's options as they are in force for this session (tcp.smtp may override them). */
  readonly options: Options
  readonly findings: Findings<Read>
  /**
   * What the operator wants where the hook cannot tell (`on_fault`): a fault comes to that. A hook that would rather
   * answer with less than it could know asks whether that is wanted.
   */
  readonly onFault: FaultOutcome
  /** Fires at the hook's deadline and when the client is gone. */
  readonly signal: AbortSignal
}

/** A hook: asked at its stage, answers now or later. */
type Answer<V extends Vouches, Given extends string, S extends Stage> = MaybePromise<
  Stages<V, Given>[S]['verdict']
>

/** The hooks of a plugin, named as their stages; absent hooks are not asked. (Methods, so that options may be erased.) */
export interface Hooks<
  Options,
  V extends Vouches = Vouches,
  Given extends string = string,
  Read extends string = string,
> {
  connect?(
    event: Stages<V>['connect']['event'],
    context: HookContext<Options, Read>,
  ): Answer<V, Given, 'connect'>
  hello?(
    event: Stages<V>['hello']['event'],
    context: HookContext<Options, Read>,
  ): Answer<V, Given, 'hello'>
  auth?(
    event: Stages<V>['auth']['event'],
    context: HookContext<Options, Read>,
  ): Answer<V, Given, 'auth'>
  mail?(
    event: Stages<V>['mail']['event'],
    context: HookContext<Options, Read>,
  ): Answer<V, Given, 'mail'>
  rcpt?(
    event: Stages<V>['rcpt']['event'],
    context: HookContext<Options, Read>,
  ): Answer<V, Given, 'rcpt'>
  data?(
    event: Stages<V>['data']['event'],
    context: HookContext<Options, Read>,
  ): Answer<V, Given, 'data'>
  message?(
    event: Stages<V>['message']['event'],
    context: HookContext<Options, Read>,
  ): Answer<V, Given, 'message'>
}
