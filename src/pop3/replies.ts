/** What is said: qmail-popup's and qmail-pop3d's words where they have some, with codes by RFC 2449 §8 and RFC 3206. */
import { printable } from '../mail/reply.ts'
import type { MaildropTalk } from '../runtime/deliverer.ts'

/** What a command is answered with. */
export interface Answer {
  /** Its first line, or all of it; CRLF included. */
  readonly text: string
  /** What follows, up to the lone dot. Whoever does not read it to its end calls `return`. */
  readonly body?: AsyncGenerator<Uint8Array>
  /** While the body is spoken, what the client says goes there, as it comes. */
  readonly hears?: Pick<MaildropTalk, 'write' | 'onRoom' | 'end'>
  readonly next?: 'handshake' | 'end'
}

export const ok: Answer = { text: '+OK \r\n' }

export function okWith(text: string): Answer {
  return { text: `+OK ${text}\r\n` }
}

/** @param lines none begins with a dot */
export function listing(lines: readonly string[]): Answer {
  return { text: `+OK \r\n${lines.map((line) => `${line}\r\n`).join('')}.\r\n` }
}

export function refusal(text: string): Answer {
  return { text: `-ERR ${printable(text)}\r\n` }
}

export function farewell(answer: Answer): Answer {
  return { ...answer, next: 'end' }
}

export const syntaxError = refusal('syntax error')
export const authorizationFirst = refusal('authorization first')
export const userFirst = refusal('USER first')
export const unimplemented = refusal('unimplemented')
export const tlsFirst = refusal('[SYS/PERM] STLS first: passwords are not taken in the clear')
export const noTls = refusal('there is no TLS here')
export const noApop = refusal('APOP is not offered')
export const tlsAlready = refusal('TLS is there already')
export const noLogins = refusal('[SYS/PERM] nobody can log in here')
export const cancelled = refusal('authentication cancelled')
export const authorizationFailed = refusal('[AUTH] authorization failed')
export const tryLater = refusal('[SYS/TEMP] unable to authorize now, try again later')
export const noMaildir = refusal('this user has no $HOME/Maildir')
export const maildirUnreadable = refusal('[SYS/TEMP] unable to read the Maildir, try again later')
export const countedFromOne = refusal('messages are counted from 1')
export const notThatMany = refusal('not that many messages')
export const alreadyDeleted = refusal('already deleted')
export const unopenable = refusal('unable to open that message')
export const notAllDeleted = refusal('unable to unlink all deleted messages')
export const tooManyErrors = refusal('too many errors')
export const notServing = refusal('[SYS/TEMP] not now, try again later')
export const denied = refusal('[SYS/PERM] not for you')
export const tooManyConnections = refusal('[SYS/TEMP] too many connections')
export const shuttingDown = refusal('[SYS/TEMP] shutting down')
