/** What the keeper says to its two processes, and hears of the deliverer. All of it is JSON. */
export type ToDeliverer =
  | {
      readonly say: 'open'
      /** The configuration folder. */
      readonly folder: string
      readonly socket: string
      /** Whose members come as far as the socket. */
      readonly group: number
    }
  | { readonly say: 'ping' }
  | { readonly say: 'stop' }

export type FromDeliverer =
  | { readonly say: 'opened' }
  | { readonly say: 'refused'; readonly problem: string }
  | { readonly say: 'alive' }

export type KeptSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGALRM'

export type ToGateway =
  | { readonly say: 'open'; readonly folder: string }
  | { readonly say: 'signal'; readonly signal: KeptSignal }
  /** For its log: root writes to no file of the gateway's. */
  | {
      readonly say: 'deliverer-ended'
      readonly how: number | string
      readonly livedMs: number
      readonly delayMs: number
    }
  | { readonly say: 'deliverer-opened' }
