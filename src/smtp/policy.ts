import type { HeaderEdit } from '../mail/edits.ts'
import type { Environment } from '../mail/environment.ts'
import type { MailParameters, Recipient, ReversePath } from '../mail/envelope.ts'
import type { Extension } from '../mail/extensions.ts'
import type { ScramKeys } from '../mail/login-secret.ts'
import type { Instant } from '../mail/instant.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Message } from '../mail/message.ts'
import type { Replacement } from '../mail/replacement.ts'
import type { Reply } from '../mail/reply.ts'
import type { ObjectionRuling, Ruling } from '../mail/ruling.ts'
import type { Endpoint, Session, TlsState, Transaction } from '../mail/session.ts'
import type { Silence } from '../mail/silence.ts'
import type { Networks } from '../plugin/networks.ts'
import type { Placement, Receipt } from '../queue/queue.ts'
import type { TlsIdentity } from '../runtime/net.ts'
import type { ForwardedClient } from './xclient.ts'

/**
 * The whole boundary between protocol and policy. The receiver asks in the order of the dialogue, one question at a time
 * per session, and speaks what it is told; it never learns which plugins there are. Faults never reach it: a plugin
 * that throws is an outcome that the policy has already ruled on. An answer that is not a promise costs no promise.
 */
export interface Policy {
  /** Somebody is at the door: who they are by name, and within which limits they may come in. */
  introduce(newcomer: Newcomer): MaybePromise<Introduction>
  /** What a client is shown whose session begins with the handshake; undefined: what everybody is shown there. */
  tlsFor(listener: string, introduction: Introduction): TlsChoice | undefined
  /** A connection came in. The chain and the settings it will meet are fixed here. */
  open(connection: ConnectionFacts): SessionPolicy
}

/** A client whose connection nobody has counted yet. */
export interface Newcomer {
  readonly listener: string
  readonly remote: Endpoint
  /** Where it came in; absent where somebody else says whose connection it is. */
  readonly local?: Endpoint
  readonly remoteName?: string
  /** What ident says (RFC 1413), where it was asked. */
  readonly remoteInfo?: string
  readonly environment?: Environment
}

export interface Introduction {
  /** By DNS, where a rule wants to know it. */
  readonly remoteName?: string
  /** By ident, where the listener wants to know it. */
  readonly remoteInfo?: string
  readonly environment: Environment
  /** By a rule of tcp.smtp. */
  readonly denied: boolean
  readonly limits: ClientLimits
}

/** What a client has in place of its listener's limits. */
export interface ClientLimits {
  readonly maxConnectionsPerAddress?: number
  readonly maxConnectionsPerNetwork?: number
  readonly maxLoad?: number
  /** What is said, a reply code in front or none. */
  readonly texts?: { readonly [L in 'address' | 'network' | 'load']?: string }
}

export interface ConnectionFacts {
  readonly id: string
  readonly startedAt: Instant
  readonly listener: string
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly remoteName?: string
  readonly tls?: TlsState
  /** A login that a proxy vouches for. */
  readonly user?: string
  /** Where somebody else has looked it up already: tcpserver. */
  readonly environment?: Environment
  /** What the policy said of the client at the door; a client that a proxy names (XCLIENT) has none. */
  readonly introduction?: Introduction
}

export interface SessionPolicy {
  /** In force now; a login may change both. */
  readonly environment: Environment
  readonly settings: ReceiverSettings
  /** The greeting waits for the answer. */
  connect(event: ConnectEvent): MaybePromise<Ruling>
  hello(event: { readonly session: Session }): MaybePromise<Ruling>
  /** What a SCRAM login is held against; `auth` follows. */
  secretFor(event: SecretRequest): MaybePromise<SecretRuling>
  auth(event: AuthAttempt): MaybePromise<AuthRuling>
  mail(event: MailEvent): MaybePromise<Ruling>
  /** The receiver itself has said no to MAIL, and nobody was asked. Only told. */
  mailRefused(refusal: MailRefusal): void
  /** `pass` means that somebody vouched and nobody objected. */
  rcpt(event: {
    readonly transaction: Transaction
    readonly recipient: Recipient
  }): MaybePromise<Ruling>
  data(event: { readonly transaction: Transaction }): MaybePromise<Ruling>
  message(event: MessageEvent): MaybePromise<MessageRuling>
  /** The transaction is over and this was said last; with a receipt, it is promised. */
  transactionEnded(transaction: Transaction, outcome: TransactionOutcome): void
  /** The client is gone or was sent away: whatever is being asked is called off. Called exactly once. */
  sessionEnded(reason: SessionEnd): void
}

export interface ConnectEvent {
  readonly session: Session
  readonly silence: Silence
}

export interface MailEvent {
  /** The id that the transaction will have. */
  readonly transactionId: string
  readonly session: Session
  readonly reversePath: ReversePath
  readonly parameters: MailParameters
  /** Whom a trusted proxy names as its source (XFORWARD): for log and trace, never for decisions. */
  readonly forwarded?: ForwardedClient
}

export interface MailRefusal {
  /** The id that the transaction would have had. */
  readonly transactionId: string
  readonly session: Session
  /** As it was written: it may be no address. */
  readonly reversePath: string
  readonly reason: 'MESSAGE_TOO_BIG' | 'LOGIN_FIRST' | 'TLS_FIRST' | 'BAD_MAIL'
  readonly reply: Reply
}

export interface MessageEvent {
  readonly transaction: Transaction
  readonly message: Message
  /** The header as received with its empty line, as far as it was gathered. */
  readonly head?: Uint8Array
  /**
   * What is done to the header before all that the policy asks for: of the message as received, or of one in its place.
   * Those who sign must know; nobody else does.
   */
  readonly entering: (message: Message) => MaybePromise<readonly HeaderEdit[]>
  /** `one`: a single reply speaks for all recipients; `each` hears its own (LMTP, PRDR). */
  readonly answers: 'one' | 'each'
}

/** The SASL mechanisms that are spoken here. */
export type AuthMechanism = 'PLAIN' | 'LOGIN' | 'CRAM-MD5' | 'SCRAM-SHA-256'

/** … and APOP (RFC 1939 §7), by which people log in who fetch their mail. */
export type LoginMechanism = AuthMechanism | 'APOP'

/** What a client showed to be whom it says it is. */
export type LoginEvidence =
  | { readonly mechanism: 'PLAIN' | 'LOGIN'; readonly password: string }
  | {
      readonly mechanism: 'CRAM-MD5' | 'APOP'
      /** For APOP the timestamp of the greeting, in its angle brackets. */
      readonly challenge: string
      /** 32 hexadecimal digits in lower case. */
      readonly digest: string
    }
  /** Whether the proof fits the keys that `secretFor` gave for this user just before. */
  | { readonly mechanism: 'SCRAM-SHA-256'; readonly proven: boolean }

export type AuthAttempt = { readonly session: Session; readonly user: string } & LoginEvidence

/** A login that has just begun. */
export interface SecretRequest {
  readonly session: Session
  readonly mechanism: LoginMechanism
  readonly user: string
}

/** For a stranger there are keys too, which no proof fits: who exists does not show. */
export type SecretRuling = { readonly ruling: 'secret'; readonly keys: ScramKeys } | ObjectionRuling

/** Nobody's yes means no. */
export type AuthRuling = { readonly ruling: 'accept'; readonly user: string } | ObjectionRuling

export interface RuledPlacement extends Placement {
  /** Of the message as received, though there is a replacement: these placements come first. */
  readonly asReceived?: true
}

export type WholeRuling =
  | {
      readonly ruling: 'commit'
      readonly placements: readonly [RuledPlacement, ...RuledPlacement[]]
      /** What is committed in place of the message as received; readable until the transaction has ended. */
      readonly replacement?: Replacement
    }
  | ObjectionRuling

export type MessageRuling =
  | WholeRuling
  /** Only where each recipient is answered, and not all alike. */
  | {
      readonly ruling: 'each'
      /** One for each recipient of the transaction. The placements of `whole` are for those that pass. */
      readonly recipients: readonly Ruling[]
      readonly whole: WholeRuling
    }

export interface TransactionOutcome {
  readonly end: 'committed' | 'refused' | 'reset' | 'aborted'
  readonly reply?: Reply
  /** What each recipient was told, where not all were told the same. */
  readonly replies?: readonly Reply[]
  readonly receipt?: Receipt
}

/** `replaced`: a proxy has said for whom it speaks (XCLIENT), and another session begins on the connection. */
export type SessionEnd =
  | 'quit'
  | 'disconnect'
  | 'timeout'
  | 'refused'
  | 'errors'
  | 'shutdown'
  | 'replaced'

/** The receiver's own settings, as one client meets them. */
export interface ReceiverSettings {
  /** Our name: greeting, EHLO, trace fields. */
  readonly hostname: string
  /** After `220 `: begins with our name (RFC 5321 §4.2). */
  readonly greeting: string
  /** Whose recipients at an address literal of ours are (control/localiphost). */
  readonly localIpHost: string
  /** Paths are read as qmail reads them where they break the rules of RFC 5321. */
  readonly lenientAddresses: boolean
  /** 0: no limit. */
  readonly maxMessageBytes: number
  readonly maxRecipients: number
  /** Commands that were refused as wrong, before the session is ended. */
  readonly maxErrors: number
  /** Commands that bring no message nearer, between two messages, before the session is ended. */
  readonly maxIdleCommands: number
  /** Logins that were refused, before the session is ended. */
  readonly maxFailedLogins: number
  /** Recipients that the policy rejected in one session, before it is ended. */
  readonly maxRefusedRecipients: number
  /** After so many wrong commands and rejected recipients each further refusal is kept back for a while. */
  readonly tarpit: { readonly after: number; readonly delayMs: number }
  /** So many Received and Delivered-To fields mean a loop (RFC 5321 §6.3). */
  readonly maxHops: number
  readonly maxHeaderBytes: number
  readonly maxHeaderFields: number
  /** Of a message, CRLF included; 0: no limit. */
  readonly maxTextLineBytes: number
  /** What becomes of a CR or LF that stands alone in a message: a refusal, or a CRLF before anybody reads it. */
  readonly lineEnds: 'refuse' | 'fix'
  /** What becomes of a NUL in a message: a refusal, or nothing is left of it. */
  readonly nul: 'refuse' | 'fix'
  /** Neither offered nor understood. */
  readonly extensionsOff: readonly Extension[]
  /** Waiting for a command; for the next bytes of a message; for a TLS handshake. RFC 5321 §4.5.3.2. */
  readonly commandTimeoutMs: number
  readonly dataTimeoutMs: number
  /** How slowly a message may come in; see data-pace.ts. */
  readonly dataPace: { readonly minBytesPerSecond: number; readonly windowMs: number }
  /** `off`: not offered. `required`: MAIL only after STARTTLS. */
  readonly starttls: 'off' | 'offered' | 'required'
  /** Mechanisms that an enabled back end can answer; empty: AUTH is not offered. */
  readonly mechanisms: readonly AuthMechanism[]
  /** An enabled back end can answer APOP: the greeting of POP3 has a timestamp. */
  readonly apop: boolean
  /** Offer AUTH outside TLS too. */
  readonly authWithoutTls: boolean
  /** Who may speak for others by XCLIENT, and by XFORWARD; nobody where absent. */
  readonly xclientNetworks?: Pick<Networks, 'has'>
  readonly xforwardNetworks?: Pick<Networks, 'has'>
  /** MAIL only after a login (RFC 6409 §4.3). */
  readonly authRequired: boolean
  /** Log each reverse-path that is taken, and each forward-path that is asked for. */
  readonly logsMail: boolean
  readonly logsRecipients: boolean
  /** What HELP tells of our version; absent: nothing. */
  readonly helpVersion?: string
  /**
   * `lmtp`: LHLO instead of EHLO, and a reply for each recipient after the message (RFC 2033). `qmtp` and `qmqp`: packets
   * in place of a dialogue; QMTP answers each recipient.
   */
  readonly protocol: 'smtp' | 'lmtp' | 'qmtp' | 'qmqp'
  /** Offer PRDR: replies for each recipient after the message, to clients that ask for them. */
  readonly prdr: boolean
  /** Messages that are no text, by BDAT (BINARYMIME, RFC 3030 §3). */
  readonly binaryMime: boolean
  /** Who may hand over messages by QMQP, besides clients whose rule sets RELAYCLIENT. */
  readonly qmqpClients: Pick<Networks, 'has'>
  /** Who may say ETRN (RFC 1985). */
  readonly etrnClients: Pick<Networks, 'has'>
  /** `split: first`; the policy itself reads it. */
  readonly splitsByClass: boolean
  /** Add a Date and a Message-ID where they are missing (RFC 6409 §8). */
  readonly completesHeader: boolean
  /** Refusals and the final 250 end with the id of their trace. */
  readonly replyIds: boolean
  /** Absent: what everybody is shown at the listener. */
  readonly tls?: TlsChoice
}

/** What one client is shown in place of its listener's certificates, and the ciphers it may have in place of the usual. */
export interface TlsChoice {
  readonly certificate?: TlsCertificate
  /** A list of OpenSSL's. */
  readonly ciphers?: string
}

/** A certificate in a file that is followed. */
export interface TlsCertificate {
  readonly path: string
  /** The last that could be used, or why there has been none. Renewed, it is another object. */
  readonly held: TlsIdentity | { readonly problem: string }
}

/** What a listener is for: it decides what its settings are where nothing else is said. */
export type ListenerRole =
  | 'mx'
  | 'submission'
  | 'smtps'
  | 'lmtp'
  | 'qmtp'
  | 'qmqp'
  | 'pop3'
  | 'pop3s'
