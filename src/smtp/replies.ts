/** What the receiver says: every text of ours in one place. What plugins say comes through `objection`. */
import { formatReply, reply, type Reply } from '../mail/reply.ts'
import type { ObjectionRuling } from '../mail/ruling.ts'
import { objectionCode, type Stage } from '../mail/status.ts'
import type { PosternError } from '../mail/errors.ts'
import type { Receipt } from '../queue/queue.ts'
import type { ContentFault } from './content-rules.ts'

export { formatReply }

// The session begins and ends. Greeting and HELO replies carry no enhanced status code (RFC 2034 §4).
export const greeting = (text: string): Reply => reply(220, undefined, text)
export const closing = (hostname: string): Reply =>
  reply(221, '2.0.0', `${hostname} closes the connection`)
export const shuttingDown = (hostname: string): Reply =>
  reply(421, '4.3.2', `${hostname} is shutting down`)
export const timedOut = (hostname: string): Reply =>
  reply(421, '4.4.2', `${hostname} waited too long`)
export const tooSlow = (hostname: string): Reply =>
  reply(421, '4.4.2', `${hostname} cannot wait for so slow a message`)
export const tooManyRefusals = (hostname: string): Reply =>
  reply(421, '4.7.0', `${hostname} has refused too many of your recipients`)
export const tooManyMistakes = (hostname: string): Reply =>
  reply(421, '4.7.0', `${hostname} has heard too many wrong commands`)
export const tooMuchIdling = (hostname: string): Reply =>
  reply(421, '4.7.0', `${hostname} has heard too many commands without a message`)
export const tooManyLogins = (hostname: string): Reply =>
  reply(421, '4.7.0', `${hostname} has seen too many failed logins`)
export const notThisProtocol = (hostname: string): Reply =>
  reply(421, '4.7.0', `${hostname} speaks SMTP only`)
export const notServing = reply(421, '4.3.0', 'Local error, come back later')
export const hello = (hostname: string): Reply => reply(250, undefined, hostname)

// Fine.
export const ok = reply(250, '2.0.0', 'Ok')
export const reversePathOk = reply(250, '2.1.0', 'Ok')
export const recipientOk = reply(250, '2.1.5', 'Ok')
export const sendMessage = reply(354, undefined, 'End data with <CR><LF>.<CR><LF>')
/** RFC 3030 §2: each chunk that is not the last. */
export const chunkTaken = (sizeBytes: number): Reply =>
  reply(250, '2.0.0', `${sizeBytes} octets received`)
export const cannotVerify = reply(252, '2.0.0', 'Cannot verify, but will accept mail and try')
export const startTls = reply(220, '2.0.0', 'Ready to start TLS')
export const authenticated = reply(235, '2.7.0', 'Authentication successful')
/** RFC 4954 §4: `334 ` and the challenge in base64. */
export const challenge = (bytes: string): Reply =>
  reply(334, undefined, Buffer.from(bytes).toString('base64'))

/** The only maker of the final 250: no receipt, no promise. */
export function queued(receipt: Receipt, id?: string): Reply {
  return reply(250, '2.0.0', withId(`Ok: queued as ${receipt.ids[0]}`, id))
}

/** draft-hall-prdr §4.5: what follows is for each recipient, then for the whole. */
export const eachFollows = reply(353, undefined, 'A reply for each recipient follows')

// ETRN (RFC 1985 §5.3).
export const flushing = (node: string, messages: number): Reply =>
  messages === 0
    ? reply(251, '2.0.0', `No messages are waiting for ${node}`)
    : reply(253, '2.0.0', `${messages} pending messages for ${node} started`)
export const cannotFlush = (node: string): Reply =>
  reply(458, '4.3.2', `Cannot start messages for ${node} now, try again later`)

// The command itself is wrong (RFC 5321 §4.2.4, §4.3.2).
export const unknownCommand = reply(500, '5.5.2', 'Command not recognised')
export const unreadableCommand = reply(500, '5.5.2', 'The line holds characters no command has')
export const lineTooLong = reply(500, '5.5.2', 'Line too long')
export const bareLineEnd = reply(500, '5.5.2', 'Lines end in CR LF')
export const notImplemented = reply(502, '5.5.1', 'Command not implemented')
export const noArguments = reply(501, '5.5.4', 'This command takes no arguments')
export const malformed = (syntax: string): Reply => reply(501, '5.5.4', `Syntax: ${syntax}`)
export const badReversePath = (problem: string): Reply => reply(501, '5.1.7', problem)
export const badForwardPath = (problem: string): Reply => reply(501, '5.1.3', problem)
/** RFC 6531 §3.5. */
export const needsSmtputf8 = reply(553, '5.6.7', 'Addresses outside ASCII need SMTPUTF8')
/** RFC 5321 §4.1.1.11. */
export const unknownParameter = (keyword: string): Reply =>
  reply(555, '5.5.4', `Parameter ${keyword} not recognised`)
export const badParameter = (keyword: string): Reply =>
  reply(501, '5.5.4', `Parameter ${keyword} has no such value`)
export const repeatedParameter = (keyword: string): Reply =>
  reply(501, '5.5.4', `Parameter ${keyword} is given twice`)

// The command comes at the wrong moment.
export const helloFirst = reply(503, '5.5.1', 'Say EHLO or HELO first')
export const ehloFirst = reply(503, '5.5.1', 'Say EHLO first')
export const lhloFirst = reply(503, '5.5.1', 'Say LHLO first')
/** RFC 2033 §4.1. */
export const lhloOnly = reply(500, '5.5.1', 'This is LMTP: say LHLO')
export const mailFirst = reply(503, '5.5.1', 'Say MAIL first')
export const nestedMail = reply(503, '5.5.1', 'A transaction is open: finish it or say RSET')
export const midMessage = reply(503, '5.5.1', 'A message is coming in by BDAT: go on, or say RSET')
/** RFC 3030 §3. */
export const chunksOnly = reply(503, '5.5.1', 'A binary message comes by BDAT')
export const rcptFirst = reply(503, '5.5.1', 'Say RCPT first')
/** RFC 5321 §3.3: none of those that were named was taken. */
export const noRecipients = reply(554, '5.5.1', 'No valid recipients')
/** XCLIENT and XFORWARD from somebody who is not trusted. */
export const notAuthorized = reply(550, '5.7.0', 'You are not authorized to say for whom you speak')
/** RFC 2033 §4.2. */
export const noRecipientsLmtp = reply(503, '5.5.1', 'No valid recipients')
/** RFC 4954 §6. */
export const loginFirst = reply(530, '5.7.0', 'Authentication required')
export const tlsFirst = reply(530, '5.7.0', 'Must issue a STARTTLS command first')
export const tlsActive = reply(503, '5.5.1', 'TLS is active already')
export const tlsAfterLogin = reply(503, '5.5.1', 'STARTTLS comes before AUTH')
export const tlsUnavailable = reply(454, '4.7.0', 'TLS not available for now')

// AUTH (RFC 4954 §4, §6).
export const loggedInAlready = reply(503, '5.5.1', 'You are authenticated already')
export const unknownMechanism = reply(504, '5.5.4', 'Mechanism not offered')
export const mechanismNeedsTls = reply(538, '5.7.11', 'Say STARTTLS first')
export const loginCancelled = reply(501, '5.7.0', 'Authentication cancelled')
export const loginMalformed = reply(501, '5.5.2', 'The response cannot be decoded')
export const loginLineTooLong = reply(500, '5.5.6', 'Authentication line too long')
export const loginForAnother = reply(535, '5.7.8', 'You may log in as yourself only')

// The message, or what carries it, is at a limit.
export const tooManyRecipients = reply(452, '4.5.3', 'Too many recipients in one transaction')
export const messageTooBig = reply(552, '5.3.4', 'Message too big')
export const headerTooBig = reply(552, '5.3.4', 'The header of the message is too big')
export const tooManyFields = reply(552, '5.3.4', 'The header of the message has too many fields')
export const tooManyHops = reply(554, '5.4.6', 'Too many hops: this message is in a loop')
/** RFC 5321 §2.3.8, §4.5.2: a line ends in CR LF, and CR and LF stand nowhere else; §4.5.3.1 for sizes. */
export function messageUnfit(fault: ContentFault): Reply {
  switch (fault) {
    case 'too big':
      return messageTooBig
    case 'long line':
      return reply(554, '5.6.0', 'The message holds a line that is too long')
    case 'bare CR':
    case 'bare LF':
    case 'NUL':
      return reply(554, '5.6.0', `The message holds a ${fault}, which no mail may`)
  }
}
export const localError = reply(451, '4.3.0', 'Local error, try again later')

/** Why nothing was promised. Never the error's own text: it speaks of our disk. */
export function notStored(error: PosternError | undefined, hostname: string): Reply {
  switch (error?.code) {
    case 'DISK_FULL':
      return reply(452, '4.3.1', 'No space left, try again later')
    case 'SPOOL_CLOSED':
      return shuttingDown(hostname)
    default:
      return localError
  }
}

/** A plugin's objection in the words it chose, under the code that its stage and status ask for. */
export function objection(
  stage: Stage,
  { status, text, close }: ObjectionRuling,
  id?: string,
): Reply {
  return reply(objectionCode({ stage, status, close }), status, withId(text, id))
}

/** One of the receiver's own. */
export function identified({ code, status, lines }: Reply, id: string | undefined): Reply {
  return reply(code, status, withId(lines[0] ?? '', id))
}

/** What `postern why` finds the trace by, where replies carry it. */
function withId(text: string, id: string | undefined): string {
  return id === undefined ? text : `${text} (id ${id})`
}

/** RFC 5321 §4.1.1.8. @param version told to strangers only where an operator says so */
export function help(version: string | undefined): Reply {
  return {
    code: 214,
    status: '2.0.0',
    lines: [
      version === undefined ? 'Postern mail gateway' : `Postern mail gateway ${version}`,
      'EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT STARTTLS AUTH',
      'See RFC 5321',
    ],
  }
}

/** Whether a reply says that the client, not its mail, did wrong: these are counted. */
export function isMistake({ code }: Reply): boolean {
  switch (code) {
    case 500:
    case 501:
    case 502:
    case 503:
    case 504:
    case 530:
    case 535:
    case 538:
    case 555:
      return true
    default:
      return false
  }
}
