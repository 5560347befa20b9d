import type { ControlSettings } from '../formats/control-settings.ts'
import type { TcpRules } from '../formats/tcprules-lookup.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Conditions } from '../plugin/condition.ts'
import type { WrittenAt } from '../plugin/mistake.ts'
import type { FaultOutcome } from '../plugin/plugin.ts'
import type { ListenAddress } from '../runtime/net.ts'
import type { ListenerRole } from '../smtp/policy.ts'
import type { AdminConfiguration } from './admin-section.ts'
import type { DeliveryConfiguration } from './delivery-section.ts'
import type { QuarantineConfiguration } from './quarantine-section.ts'
import type { ListenerExtras } from './listener-extras.ts'
import type { ThresholdsConfiguration } from './thresholds-section.ts'
import type { ListenerTls } from './tls-section.ts'

/** Everything that the configuration folder says, read and checked. All paths are absolute. */
export interface Configuration extends ThresholdsConfiguration {
  readonly folder: string
  /** Processes that receive and deliver; `auto`: as many as there are processors. */
  readonly workers: number | 'auto'
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
  }
  /** Tests of the policy, and what a failing one means for a configuration that is to be put in force. */
  readonly policyTests: {
    readonly folder: string
    readonly onReload: 'refuse' | 'warn' | 'off'
  }
  /** The folder of the gateway's own certificate. */
  readonly tls: { readonly path: string }
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error'
    /** `stderr`, `stdout`, or an absolute path. */
    readonly to: string
  }
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
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly maxConnectionsPerNetwork: number | undefined
  readonly maxLoad: number | undefined
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
