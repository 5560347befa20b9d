/** What a listener is told, and what it works with. */
import type { Queue } from '../queue/queue.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Counters } from '../runtime/counters.ts'
import type { Log } from '../runtime/log.ts'
import type { ListenAddress, Net, TlsContext } from '../runtime/net.ts'
import type { HostProcess } from '../runtime/process.ts'
import type { Random } from '../runtime/random.ts'
import type { ConnectionLimits } from './admission.ts'
import type { ArrivalOptions } from './arrival.ts'
import type { ListenerMeter } from './listener-meter.ts'
import type { ConnectionFacts, Policy, TlsChoice } from './policy.ts'
import type { QueueFlush } from './queue-flush.ts'
import type { ReceiverParts, SessionReceiver } from './receiver.ts'
import type { SessionRecording } from './session-recording.ts'

export interface ListenerOptions extends ConnectionLimits, ArrivalOptions {
  /** Its name in the configuration. */
  readonly name: string
  readonly address: ListenAddress
  /** Of the file of a UNIX socket. */
  readonly socketMode?: number | undefined
  /** `implicit`: a connection begins with the handshake (RFC 8314 §3). `starttls` where absent. */
  readonly tls?: 'off' | 'starttls' | 'implicit'
  /** 30 seconds where absent. */
  readonly handshakeTimeoutMs?: number
  /** Another protocol is spoken, in which a refusal cannot be said: clients that are turned away hear nothing. */
  readonly wordless?: boolean
}

export interface ListenerParts {
  readonly policy: Policy
  readonly queue: Pick<Queue, 'begin'>
  /** For ETRN. */
  readonly queueFlush?: QueueFlush
  /** What a session is made of; SMTP or LMTP where absent. @throws whatever `Policy.open` throws */
  receive?(parts: ReceiverParts): SessionReceiver
  /** Where the dialogues of this listener are to be seen. @returns undefined for one that is not */
  record?(facts: ConnectionFacts): SessionRecording | undefined
  /**
   * The certificates, asked for anew by each handshake; `undefined`: there are none.
   * @throws PosternError CONFIG_INVALID where what is chosen for the client cannot be used
   */
  tls(choice?: TlsChoice): TlsContext | undefined
  readonly meter?: ListenerMeter
  readonly doors: ListenerDoors
}

export interface ListenerDoors {
  readonly net: Net
  readonly clock: Clock
  readonly counters: Pick<Counters, 'take' | 'give'>
  readonly process: Pick<HostProcess, 'loadAverage' | 'descriptors'>
  readonly random: Random
  readonly log: Log
}
