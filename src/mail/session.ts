import type { MailParameters, Recipient, ReversePath } from './envelope.ts'
import type { Environment } from './environment.ts'
import type { Instant } from './instant.ts'

/** One end of a TCP connection. An IPv4 address is never in its IPv6-mapped form. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** What is known of the TLS layer under a session. */
export interface TlsState {
  readonly protocol: string
  readonly cipher: string
  readonly servername?: string
  /** What the client showed of itself, where the listener asks for it. */
  readonly clientCertificate?: ClientCertificate
  /** Of a server that we call: why its certificate is not to be believed, as Node calls it. It may not have to be. */
  readonly serverProblem?: string
}

/** A certificate whose key the client holds. */
export interface ClientCertificate {
  /** In one line, `CN=relay.example.org, O=Example`. Means something only where it is verified. */
  readonly subject: string
  readonly issuer: string
  /** SHA-256 of the certificate, 64 hexadecimal digits in lower case. */
  readonly fingerprint: string
  /** Whether an authority that the listener trusts has signed it, and it is in force. */
  readonly verified: boolean
}

/** The SMTP dialogue on a connection, as plugins see it. The receiver alone changes it. */
export interface Session {
  /** Unique per process and start, short, safe in logs and replies. */
  readonly id: string
  readonly startedAt: Instant
  /** The name of the listener in the configuration. */
  readonly listener: string
  /** Where mail is fetched: a login there is none to send. Absent wherever mail is handed over. */
  readonly protocol?: 'pop3'
  readonly remote: Endpoint
  readonly local: Endpoint
  /** The client's name by DNS, where somebody whom we trust has looked it up: a proxy by XCLIENT, tcpserver. */
  readonly remoteName?: string
  /** What the client's host says whose connection it is (ident, RFC 1413): its own word, and no more. */
  readonly remoteInfo?: string
  /** Our own name in greeting and trace fields. */
  readonly hostname: string
  readonly environment: Environment
  /** The last HELO or EHLO. */
  readonly hello?: { readonly verb: 'HELO' | 'EHLO' | 'LHLO'; readonly name: string }
  readonly tls?: TlsState
  /** The login, once AUTH succeeded. */
  readonly user?: string
}

/** MAIL … end-of-data: reverse-path, parameters and the recipients accepted so far. */
export interface Transaction {
  readonly id: string
  readonly session: Session
  readonly startedAt: Instant
  readonly reversePath: ReversePath
  readonly parameters: MailParameters
  readonly recipients: readonly Recipient[]
}
