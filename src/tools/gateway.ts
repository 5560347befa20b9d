/** A gateway as those see it who start, steer and end it; `compose.ts` makes it. */
import type { ListedEntry } from '../filter/generation.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { ListenAddress } from '../runtime/net.ts'
import type { ReloadReport, Wariness, WorkerStatus } from '../workers/messages.ts'

/** A gateway at work. */
export interface Gateway {
  readonly hostname: string
  /** Below it lie the Maildirs of control/locals; undefined where that mail goes to users of this host. */
  readonly maildirs: string | undefined
  /** Where whoever knows none of us may send mail to. */
  readonly mx: ListenAddress | undefined
  /** The path of the spool. */
  readonly spool: string
  readonly listeners: readonly { readonly name: string; readonly address: ListenAddress }[]
  readonly entries: readonly ListedEntry[]
  /** Where the self-signed certificate lies, where a listener shows it. */
  readonly ownCertificate: string | undefined
  /** Reads the configuration anew. With mistakes in it, everything stays as it was; the log says why, too. */
  reload(): Promise<ReloadReport>
  /** Makes every queued message due now. @returns how many there are */
  retryNow(): Promise<number>
  status(): WorkerStatus
  /** Lets clients in, or tells them to come back later; sessions go on. */
  admit(everybody: boolean): void
  /** Takes over a shard of the spool whose worker is gone for good. */
  adopt(shard: number): Promise<void>
  /** Does from here on what one worker does for all: whoever did it is gone for good. */
  lead(): Promise<void>
  /** Workers have died: these messages are not to be filtered again for now, and what is judged is noted. */
  beware(wariness: Wariness): void
  /** Accepts no more, lets sessions and deliveries end within `graceMs`, closes everything. */
  close(graceMs: number): Promise<void>
}

export interface OpenedGateway {
  /** Missing where there are mistakes. */
  readonly gateway?: Gateway
  readonly mistakes: readonly Mistake[]
  readonly doubts: readonly Mistake[]
}
