import type { Endpoint, TlsState } from '../mail/session.ts'
import type { TlsaRecord } from '../mail/tls-policy.ts'

/** Whom to call: TCP, or a UNIX socket. */
export type NetAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string }

/** Where to listen; also a socket on which whoever started us listens already: by number, or by systemd's name for it. */
export type ListenAddress = NetAddress | { readonly inherited: number | string }

/** What a connection tells its owner. All are called from the event loop, never from inside `attach`. */
export interface ConnectionHandlers {
  data(chunk: Buffer): void
  /** What it does is near its end: what comes in for it goes before what comes in for others. */
  readonly isEnding?: boolean
  /** The peer finished sending (half-close); told while it is paused too, and to whoever is attached afterwards. */
  ended(): void
  /** Everything that `write` had taken is out, after a `write` that answered false. */
  drained(): void
  /** Nothing follows. Called exactly once. */
  closed(error?: Error): void
}

/** A TCP, TLS or UNIX connection. */
export interface Connection {
  readonly remote: Endpoint
  readonly local: Endpoint
  attach(handlers: ConnectionHandlers): void
  /** Text is latin1. @returns false when the peer reads slower than we write: wait for `drained`. */
  write(data: string | Uint8Array): boolean
  pause(): void
  resume(): void
  /** Sends what is left, then closes; a peer that does not follow is cut off after some seconds. */
  end(): void
  /** As `end`, where the peer has said its last word: nothing more of it is waited for. */
  close(): void
  destroy(): void
  /**
   * Starts TLS over this connection; resolves when the handshake is done. Bytes that came in before are dropped, unless
   * `received` says that they are the handshake's.
   * Where it fails the connection is closed.
   * @throws PosternError PEER_FAILED, TIMEOUT
   */
  startTls(options: TlsOptions): Promise<TlsState>
}

/** `server` side wants a context; `client` side may verify. */
export type TlsOptions =
  | {
      readonly side: 'server'
      readonly context: TlsContext
      readonly timeoutMs: number
      /**
       * What came already and belongs to the handshake, and so does what came since and was not handed on: behind a PROXY
       * header, or empty where the connection begins with the handshake; never behind STARTTLS.
       */
      readonly received?: Uint8Array
    }
  | {
      readonly side: 'client'
      readonly servername: string
      readonly verify: boolean
      /** Where the certificate is verified: one of these names must be in it, instead of `servername`. */
      readonly names?: readonly string[]
      /** Where it is verified: these decide, and no authority does (DANE, RFC 7672). */
      readonly tlsa?: readonly TlsaRecord[]
      /** Whose certificates are believed. Absent: the system's authorities'. */
      readonly trust?: TlsTrust
      readonly timeoutMs: number
    }

/** A certificate, with those between it and its authority, and the key that belongs to it; both in PEM. */
export interface TlsIdentity {
  readonly certificate: string
  readonly key: string
}

/** What a server shows, and what it asks of clients. */
export interface TlsSettings extends TlsIdentity {
  /** Shown instead of the first to clients that ask for one of their names (SNI, RFC 6066 §3). */
  readonly others?: readonly TlsIdentity[]
  /** Clients are asked for a certificate; `authorities`, in PEM, verify it. */
  readonly clients?: { readonly authorities: string; readonly required: boolean }
  /**
   * Other ciphers than the usual, as a list of OpenSSL's; what encrypts nothing, or for nobody, is never among them. Of
   * TLS 1.3 those that stay the usual where the list names none.
   */
  readonly ciphers?: string
}

/** Such settings, ready for use; made by `Net.tlsContext`. */
export interface TlsContext {
  readonly tlsContext: 'opaque'
}

/** Authorities whose certificates are believed; made by `Net.tlsTrust`. */
export interface TlsTrust {
  readonly tlsTrust: 'opaque'
}

export interface ListenOptions {
  readonly address: ListenAddress
  /** Of the file of a UNIX socket: who may connect. What the umask leaves where absent. */
  readonly socketMode?: number | undefined
  /** Its group's id; the group may also enter the folder it lies in. */
  readonly socketGroup?: number | undefined
  /** Connections beyond this many wait in the kernel's queue. */
  readonly backlog?: number
  /** Other processes listen on the same address, and the kernel gives each its share. Not for UNIX sockets. */
  readonly shared?: boolean
  /** Whoever had the address before has left us the socket: nothing is bound anew. */
  readonly handed?: HandedListener | undefined
  accepted(connection: Connection): void
  /** Accepting failed, for instance for want of file descriptors; the listener goes on. */
  failed(error: Error): void
}

/**
 * A listening socket by itself, which outlives whoever accepted from it: who connects meanwhile waits. It goes from
 * process to process beside a message (see `WorkerProcess.send`).
 */
export interface HandedListener {
  readonly handedListener: 'opaque'
  /** Ours alone; copies in other processes live on. */
  close(): void
}

export interface NetListener {
  /** With the port that the system chose where 0 was asked for, or that an inherited socket has. */
  readonly address: ListenAddress
  /** For another process, which may listen on it after us; absent where such a socket cannot be given away. */
  readonly handed?: HandedListener | undefined
  /** Stops accepting; established connections live on. */
  close(): Promise<void>
}

export interface ConnectOptions {
  readonly address: NetAddress
  readonly localAddress?: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** The door to the network. */
export interface Net {
  /** The file of a UNIX socket on which nobody listens any more is replaced. @throws PosternError ADDRESS_IN_USE, LISTEN_FAILED */
  listen(options: ListenOptions): Promise<NetListener>
  /** @throws PosternError CONNECT_FAILED, TIMEOUT, ABORTED */
  connect(options: ConnectOptions): Promise<Connection>
  /** The addresses of this host's interfaces. */
  ownAddresses(): readonly string[]
  /** The system's authorities and these, in PEM. @throws PosternError CONFIG_INVALID */
  tlsTrust(authorities: string): TlsTrust
  /** @throws PosternError CONFIG_INVALID when a certificate and its key do not fit, or one of them is none, or no cipher is left. */
  tlsContext(settings: TlsSettings): TlsContext
}
