/**
 * Command lines into typed commands, or into the reply that says what is wrong (RFC 5321 §4.1.1). Pure.
 * Lines come as latin1 text, one character an octet, without their CR LF; 8-bit octets are read as UTF-8.
 * Strict, but for blanks: behind the colon and at the end of the line they do no harm, and clients send them.
 */
import { isUtf8 } from 'node:buffer'
import { parsePath, type ParsedPath } from '../mail/address.ts'
import { verpMark } from '../mail/verp.ts'
import { doubleBounceUser } from '../mail/double-bounce.ts'
import type { MailParameters, Recipient, ReversePath } from '../mail/envelope.ts'
import type { Reply } from '../mail/reply.ts'
import { parseMailParameters, parseRcptParameters, type Offers } from './parameters.ts'
import {
  badForwardPath,
  badReversePath,
  malformed,
  needsSmtputf8,
  noArguments,
  unreadableCommand,
} from './replies.ts'

/** A verb in capitals, and what stands behind it. */
export interface CommandLine {
  readonly verb: string
  readonly rest: string
}

/** What was meant, or what to answer instead. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reply: Reply }

const refuse = (reply: Reply): { readonly ok: false; readonly reply: Reply } => ({
  ok: false,
  reply,
})

/** Splits a line into verb and rest, each without blanks around it. */
export function parseLine(line: string): Parsed<CommandLine> {
  const text = /^[\x20-\x7e]*$/.test(line) ? line.trimEnd() : readable(line)
  if (text === undefined) return refuse(unreadableCommand)
  const space = text.indexOf(' ')
  return {
    ok: true,
    value:
      space === -1
        ? { verb: text.toUpperCase(), rest: '' }
        : { verb: text.slice(0, space).toUpperCase(), rest: text.slice(space + 1).trimStart() },
  }
}

/** RFC 6531 §3.3: UTF-8 may stand in a command; control characters may not, but for trailing tabs. */
function readable(line: string): string | undefined {
  const bytes = Buffer.from(line.trimEnd(), 'latin1')
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString()
  return /\p{Cc}/u.test(text) ? undefined : text
}

/** For verbs that stand alone. */
export function parseNothing(rest: string): Reply | undefined {
  return rest === '' ? undefined : noArguments
}

/**
 * The name a client gives itself. Whether it is well-formed and true is for plugins to judge: honest clients say
 * odd things here, and nothing follows from it (RFC 5321 §4.1.4).
 */
export function parseHello(rest: string, verb: 'HELO' | 'EHLO' | 'LHLO'): Parsed<string> {
  return /^[\x21-\x7e]{1,255}$/.test(rest)
    ? { ok: true, value: rest }
    : refuse(malformed(`${verb} your.name`))
}

export interface MailCommand {
  readonly reversePath: ReversePath
  readonly parameters: MailParameters
}

/** Reads what stands behind the colon up to its parameters: `parsePath`, or one that bears with more. */
export type PathReader = typeof parsePath

/** Hosts with qmail send bounces of bounces with it; refused, they would be lost. No address of RFC 5321 looks like it. */
const doubleBouncePath = `<${doubleBounceUser}>`

/** `FROM:<reverse-path> [parameters]` (RFC 5321 §4.1.1.2). */
export function parseMail(
  rest: string,
  offers: Offers,
  readPath: PathReader = parsePath,
): Parsed<MailCommand> {
  const text = behindColon(rest, 'FROM:')
  if (text === undefined) return refuse(malformed('MAIL FROM:<address>'))
  // SMTPUTF8 stands behind the path that needs it, so the path is read as if it were given.
  const base = text.startsWith(doubleBouncePath)
    ? { ok: true as const, mailbox: null, rest: text.slice(doubleBouncePath.length) }
    : verpPath(text, readPath)
  const path = base ?? readPath(text, { smtputf8: true })
  if (!path.ok) return refuse(badReversePath(path.problem))
  const parameters = parseMailParameters(path.rest, offers)
  if (!parameters.ok) return parameters
  if (parameters.value.smtputf8 !== true && !isAscii(text)) return refuse(needsSmtputf8)
  const marked = base?.mailbox ? { verp: true as const } : {}
  const value = { reversePath: path.mailbox, parameters: { ...parameters.value, ...marked } }
  return { ok: true, value }
}

/**
 * qmail's `<list-@host-@[]>`, by which programs ask for a reverse-path of each recipient's own. Whoever judges senders judges
 * `list-@host`, which the copies bear with the recipient in it.
 */
function verpPath(
  text: string,
  readPath: PathReader,
): (ParsedPath & { readonly ok: true }) | undefined {
  const end = text.indexOf(`${verpMark}>`)
  if (end === -1) return undefined
  const rest = text.slice(end + verpMark.length + 1)
  const base = readPath(`${text.slice(0, end)}>${rest}`, { smtputf8: true })
  const isWhole = base.ok && base.rest === rest && base.mailbox !== null
  return isWhole && base.mailbox.domain !== '' ? base : undefined
}

/** `TO:<forward-path> [parameters]` (RFC 5321 §4.1.1.3); `smtputf8` as MAIL gave it. */
export function parseRcpt(
  rest: string,
  { smtputf8, offers }: { readonly smtputf8: boolean; readonly offers: Offers },
  readPath: PathReader = parsePath,
): Parsed<Recipient> {
  const text = behindColon(rest, 'TO:')
  if (text === undefined) return refuse(malformed('RCPT TO:<address>'))
  if (!smtputf8 && !isAscii(text)) return refuse(needsSmtputf8)
  const path = readPath(text, { smtputf8, barePostmaster: true })
  if (!path.ok) return refuse(badForwardPath(path.problem))
  if (path.mailbox === null) return refuse(badForwardPath('A recipient needs an address'))
  return parseRcptParameters(path.rest, path.mailbox, offers)
}

/** So many octets of the message follow the line; `last`: with them it is complete. */
export interface Chunk {
  readonly sizeBytes: number
  readonly last: boolean
}

/** `chunk-size [LAST]` (RFC 3030 §2). What is wrong may still say how many octets follow: 0 where it does not. */
export function parseBdat(
  rest: string,
):
  | { readonly ok: true; readonly value: Chunk }
  | ({ readonly ok: false; readonly reply: Reply } & Chunk) {
  const [size = '', ...words] = rest.split(' ').filter((word) => word !== '')
  const sizeBytes = /^\d+$/.test(size) ? Number(size) : undefined
  const last = words[0]?.toUpperCase() === 'LAST'
  if (sizeBytes === undefined || words.length > (last ? 1 : 0)) {
    const reply = malformed('BDAT chunk-size [LAST]')
    return { ok: false, reply, sizeBytes: sizeBytes ?? 0, last: false }
  }
  return { ok: true, value: { sizeBytes, last } }
}

export interface AuthCommand {
  /** In capitals. */
  readonly mechanism: string
  /** Still in base64; `=` stands for an empty one (RFC 4954 §4). */
  readonly initialResponse?: string
}

export function parseAuth(rest: string): Parsed<AuthCommand> {
  const words = rest.split(' ')
  const [mechanism = '', initialResponse] = words
  if (words.length > 2 || !/^[A-Za-z0-9_-]{1,64}$/.test(mechanism) || initialResponse === '') {
    return refuse(malformed('AUTH mechanism [initial-response]'))
  }
  return {
    ok: true,
    value: {
      mechanism: mechanism.toUpperCase(),
      ...(initialResponse === undefined ? {} : { initialResponse }),
    },
  }
}

function behindColon(rest: string, keyword: string): string | undefined {
  if (rest.slice(0, keyword.length).toUpperCase() !== keyword) return undefined
  return rest.slice(keyword.length).trimStart()
}

function isAscii(text: string): boolean {
  return /^\p{ASCII}*$/u.test(text)
}
