/**
 * The structure of a message as its readers see it. Where a message is ambiguous, readers differ, and what one of them
 * shows another hides; so a tree holds several readings, and a rule that must not be fooled looks at all of them.
 */
import type { ByteRange } from '../byte-range.ts'
import type { Header } from '../header.ts'

export interface MimeTree {
  /** Ours comes first (the standards, the first of what is said twice); the others exist where the message is ambiguous. */
  readonly readings: readonly [MimeReading, ...MimeReading[]]
  /** Why readers of this message may differ: each kind once, where it was met first. */
  readonly ambiguities: readonly MimeAmbiguity[]
  /** Present where the message has more of something than is looked at; what follows `offset` is in no reading. */
  readonly limit?: MimeLimit
}

export interface MimeReading {
  readonly choices: MimeChoices
  /** In the order of the message, parents before their parts; the first is the message itself. */
  readonly parts: readonly MimePart[]
}

/** How a reader decides where the standards leave a doubt, or are not followed. */
export interface MimeChoices {
  /** Of several Content-Type fields, or several boundaries in one; `any`: each that divides the part, and this one here, that one there. */
  readonly fields: 'first' | 'last' | 'any'
  /** What ends a line. */
  readonly lines: 'crlf' | 'any'
  /** Whether a line that goes on after the boundary is a delimiter (RFC 2046 §5.1.1 can be read so). */
  readonly delimiters: 'exact' | 'prefix'
  /** What becomes of a line in a header that is no field: it ends the header, or does so only where it is a delimiter, or never. */
  readonly junk: 'skipped' | 'ends-header' | 'never-ends'
}

export type MimeAmbiguityKind =
  /** Several Content-Type fields, several boundaries in one, or one that is not written as it should be. */
  | 'content-type'
  /** Several Content-Transfer-Encoding fields, or one that nobody knows. */
  | 'encoding'
  /** A multipart or a message whose own bytes are encoded, which RFC 2045 §6.4 forbids. */
  | 'encoded-container'
  /** One part with names of several extensions. */
  | 'file-name'
  /** Lines in a header that are no fields, or a delimiter within one. */
  | 'header'
  /** A CR or LF alone where it would make a difference. */
  | 'line-ends'
  /** A delimiter that goes on after the boundary, a boundary that is used at two levels, or is missing. */
  | 'boundary'
  /** Parts after the delimiter that ends them all. */
  | 'after-end'
  /** A multipart without the delimiter that ends it. */
  | 'no-end'

export interface MimeAmbiguity {
  readonly kind: MimeAmbiguityKind
  /** In the message. */
  readonly offset: number
}

export type MimeLimitKind = 'parts' | 'depth' | 'header' | 'delimiters'

export interface MimeLimit {
  readonly limit: MimeLimitKind
  readonly offset: number
}

/** How a body is written; `unknown` is read as it stands. */
export type TransferEncoding = 'identity' | 'base64' | 'quoted-printable' | 'uuencode' | 'unknown'

export interface MimePart {
  /** Its place in `parts`. */
  readonly index: number
  /** The place of the multipart or message it is in; -1 for the message itself. */
  readonly parent: number
  readonly depth: number
  /** Its header fields; their ranges count from the beginning of this header. */
  readonly header: Header
  readonly headerRange: ByteRange
  /** As it stands in the message: encoded, without the line end that belongs to the delimiter. */
  readonly bodyRange: ByteRange
  /** In lower case, `text/plain` where nothing is said: `multipart/mixed`. */
  readonly type: string
  /** What else it says it is: further Content-Type fields. */
  readonly otherTypes: readonly string[]
  /** Whether it holds parts, rather than content. */
  readonly container: boolean
  readonly charset: string | undefined
  /** All it may be read by, ours first; several where the fields contradict each other. */
  readonly encodings: readonly [TransferEncoding, ...TransferEncoding[]]
  /** `attachment`, `inline`, in lower case, or what else stands there. */
  readonly disposition: string | undefined
  /** All names that some reader gives it, ours first: decoded and as written, at most 16. */
  readonly fileNames: readonly string[]
}
