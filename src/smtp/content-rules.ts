/** What a message may hold as it comes in, and what becomes of what it may not (RFC 5321 §2.3.8, §4.5.3.1). */
export interface ContentRules {
  /** The largest message, 0 for no limit; counted without the dots that DATA adds (RFC 1870 §5). */
  readonly maxBytes: number
  /** The longest line, CRLF included and without a dot that DATA adds; 0: no limit. */
  readonly maxLineBytes: number
  /** A CR or LF that stands alone: the message is refused, or it becomes a CRLF before anybody reads it. */
  readonly lineEnds: 'refuse' | 'fix'
  /** A NUL: the message is refused, or the NUL is dropped. */
  readonly nul: 'refuse' | 'fix'
  /** Behind its header the message is no text: anything goes there, and nothing is mended (BINARYMIME, RFC 3030 §3). */
  readonly binary?: boolean
}

/** Why a message is not taken, in the order of discovery: the first one counts. */
export type ContentFault = 'bare CR' | 'bare LF' | 'NUL' | 'long line' | 'too big'

/** A fault that the rules ask to be mended instead. */
export function isMended(fault: ContentFault, rules: ContentRules): boolean {
  switch (fault) {
    case 'bare CR':
    case 'bare LF':
      return rules.lineEnds === 'fix'
    case 'NUL':
      return rules.nul === 'fix'
    case 'long line':
    case 'too big':
      return false
  }
}

/** What came of bytes that a reader was given. */
export interface ContentPart {
  /** Bytes of the chunk that belong to the message or its end; what follows is for the next command. */
  readonly used: number
  /** Bytes of the message as it is kept: part of the chunk itself where nothing had to be changed. */
  readonly content: Uint8Array | undefined
}

/** Tells a message from what follows it, in DATA or in chunks, and watches over what it holds. Pure: no I/O. */
export interface ContentReader {
  /** All that was announced is read. */
  readonly ended: boolean
  readonly fault: ContentFault | undefined
  /** Reads on. Not to be called once it has ended. */
  read(chunk: Buffer): ContentPart
}
