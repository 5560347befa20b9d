import type { ControlSettings } from '../formats/control-settings.ts'
import type { TcpRules } from '../formats/tcprules-lookup.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Conditions } from '../plugin/condition.ts'
import type { WrittenAt } from '../plugin/mistake.ts'
import type { FaultOutcome } from '../plugin/stage.ts'
import type { ListenAddress } from '../runtime/net.ts'
import type { ListenerRole } from '../smtp/policy.ts'
import type { DoubtClass } from './doubt-classes.ts'
import type { AdminConfiguration } from './admin-section.ts'
import type { DeliveryConfiguration } from './delivery-section.ts'
import type { ObservingConfiguration } from './observing-section.ts'
import type { QuarantineConfiguration } from './quarantine-section.ts'
import type { ListenerExtras } from './listener-extras.ts'
import type { LogSettings } from './log-section.ts'
import type { RecordSettings } from './record-section.ts'
import type { ThresholdsConfiguration } from './thresholds-section.ts'
import type { ListenerTls } from './tls-section.ts'

/** Everything that the configuration folder says, read and checked. All paths are absolute. */
export interface Configuration extends ThresholdsConfiguration, ObservingConfiguration {
  readonly folder: string
  /** Processes that receive and deliver; `auto`: one for each processor, at most eight. */
  readonly workers: number | 'auto'
  /**
   * As whom a gateway works that root starts: an account, or `uid:gid`. `root`: as root. Absent: as `postern` where there is
   * such an account, else as root.
   */
  readonly user: string | undefined
  readonly listeners: readonly ListenerConfiguration[]
  /** The PEM files that the listeners name. */
  readonly certificateFiles: readonly string[]
  /** Tables that are part of the configuration itself. */
  readonly tableFiles: readonly string[]
  readonly chain: readonly EntryConfiguration[]
  /** Where plugins are looked for, in this order. */
  readonly pluginFolders: readonly string[]
  /** The receiver's settings as written, with what control files say where the section says nothing. */
  readonly receiver: {
    readonly options: JsonValue | undefined
    readonly defaults: JsonObject
    readonly place: WrittenAt
  }
  /** Classes of warnings that are not to be given, each with the operator's reason. */
  readonly silenced: ReadonlyMap<DoubtClass, string>
  readonly quarantine: QuarantineConfiguration
  /** The HTTP API; absent: off. */
  readonly admin?: AdminConfiguration
  readonly delivery: DeliveryConfiguration
  readonly spool: { readonly path: string; readonly segmentBytes: number }
  /** The file of those who may log in. */
  readonly accounts: { readonly path: string }
  readonly store: { readonly path: string }
  /** What happened to mail: where it lies, and how much of it is kept. */
  readonly traces: {
    readonly path: string
    /** Transactions. */
    readonly maxRecords: number
    readonly maxAgeMs: number
    readonly maxBytes: number
    /** Of the header of each message. */
    readonly headBytes: number
    /** Whether what entries learn from their doors is kept, so that a replay can ask them again. */
    readonly answers: boolean
  }
  /** Tests of the policy, and what a failing one means for a configuration that is to be put in force. */
  readonly policyTests: {
    readonly folder: string
    readonly onReload: 'refuse' | 'warn' | 'off'
  }
  /** The folder of the gateway's own certificate. */
  readonly tls: { readonly path: string }
  /** The socket of the operator's commands. */
  readonly operator: {
    readonly folder: string
    readonly socket: string
    /** Its members may use it too. */
    readonly group: string | undefined
  }
  readonly log: LogSettings
  readonly dns: {
    readonly servers: readonly string[]
    readonly timeoutMs: number
    /** TCPREMOTEHOST. */
    readonly clientNames: {
      readonly names: 'confirmed' | 'any' | 'off'
      readonly timeoutMs: number
    }
  }
  readonly control: ControlSettings
  readonly tcpRules: TcpRules
  /** How messages name tcp.smtp, or what stands in its place. */
  readonly tcpRulesFile: string
  readonly tcpRulesPath: string
}

export interface ListenerConfiguration extends ListenerExtras {
  readonly name: string
  readonly role: ListenerRole
  readonly address: ListenAddress
  /** Of the file of a UNIX socket. */
  readonly socketMode?: number
  /** What it has in place of the section `receiver`, as written. */
  readonly receiver: JsonValue | undefined
  /** Absent: off. */
  readonly tls?: ListenerTls
  readonly handshakeTimeoutMs: number
  /** Every connection is `postern smtpd`. */
  readonly handOver: boolean
  /** Absent: its dialogues are not kept. */
  readonly record?: RecordSettings
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly maxConnectionsPerNetwork: number | undefined
  readonly maxLoad: number | undefined
  /** So long ident is waited for (RFC 1413); absent: it is not asked. */
  readonly identMs?: number
  readonly place: WrittenAt
}

/** One place in the chain, as written; absent keys were not given. */
export interface EntryConfiguration {
  readonly name: string
  readonly plugin: string
  readonly mode: 'enforce' | 'shadow' | 'off'
  readonly first: boolean
  readonly onFault?: FaultOutcome
  readonly timeoutMs?: number
  readonly refuseAt?: 'now' | 'rcpt'
  readonly when?: Conditions
  readonly unless?: Conditions
  readonly options: JsonValue | undefined
  readonly place: WrittenAt
}
