/**
 * One mail transaction with a next hop: MAIL, RCPT for each recipient, the message by DATA or BDAT. Each recipient
 * gets the result that its own replies say. Promises: a recipient is `delivered` only when the reply to the end of
 * the message was seen and said so; before that end, a connection that breaks has delivered to nobody.
 */
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Envelope, Recipient, ReversePath } from '../../mail/envelope.ts'
import { PosternError } from '../../mail/errors.ts'
import type { Message } from '../../mail/message.ts'
import { answer, refusal, refusalAtEnvelope, saysYes, trouble } from './hop-result.ts'
import { mailCommand, rcptCommand, type MailForm } from './mail-command.ts'
import { sendChunks, sendData } from './message-sender.ts'
import type { HopReply } from './reply-reader.ts'
import type { SmtpSession } from './smtp-session.ts'
import type { SmtpTimeouts } from './smtp-timeouts.ts'
import { xforwardCommands, type Source } from './xforward.ts'

export interface Transaction {
  readonly session: SmtpSession
  readonly message: Message
  readonly form: MailForm
  readonly envelope: Envelope
  /** The envelope's, or one of these recipients' own (VERP). */
  readonly reversePath: ReversePath
  /** At most a hundred: what every server must take (RFC 5321 §4.5.3.1.8). */
  readonly recipients: readonly Recipient[]
  readonly timeouts: SmtpTimeouts
  /** Where the message comes from, for a hop that is to know it. */
  readonly source?: Source
}

/** What the session is good for: the next MAIL, the next MAIL after RSET, nothing. */
export type SessionState = 'ready' | 'unclear' | 'over'

export interface TransactionOutcome {
  /** One for each of the recipients. */
  readonly results: readonly DeliveryResult[]
  /** Indexes of those that the next hop wants in another transaction; then at least one was in this. */
  readonly leftOver: readonly number[]
  readonly state: SessionState
  /** The session ended before the next hop said anything to MAIL: it never began. */
  readonly unheard: boolean
}

/** Why the message itself is not sent. */
interface Stopped {
  /** For everybody who has no result of their own. */
  readonly rest: DeliveryResult
  readonly state: SessionState
}

/** How far it is. */
interface Progress {
  step: string
  heard: boolean
  readonly results: (DeliveryResult | undefined)[]
  readonly leftOver: number[]
}

export async function transact(transaction: Transaction): Promise<TransactionOutcome> {
  const { session, recipients } = transaction
  const { client, hop } = session
  const progress: Progress = {
    step: 'MAIL',
    heard: false,
    results: recipients.map(() => undefined),
    leftOver: [],
  }
  const finish = ({ rest, state }: Stopped): TransactionOutcome => ({
    results: progress.results.map((result) => result ?? rest),
    leftOver: progress.leftOver,
    state,
    unheard: !progress.heard,
  })
  try {
    const stopped = await offer(transaction, progress)
    if (stopped !== undefined) return finish(stopped)
    progress.step = 'the message'
    const send = byChunks(transaction) ? sendChunks : sendData
    const early = await send(transaction)
    if (early !== undefined) {
      client.destroy()
      return finish({ rest: refusal(hop, early), state: 'over' })
    }
    progress.step = 'the final dot (possible duplicate)'
    return finish(await conclude(transaction, progress))
  } catch (error) {
    client.destroy()
    return finish({ rest: trouble(hop, error, progress.step), state: 'over' })
  }
}

/** The reply to the end of the message; by LMTP one for each recipient that was accepted (RFC 2033 §4.2). */
async function conclude(
  { session, timeouts }: Transaction,
  { results }: Progress,
): Promise<Stopped> {
  const { client, hop, protocol, tlsFailure } = session
  const relayed = protocol === 'lmtp' ? undefined : dsnState(session)
  const last = results.lastIndexOf(undefined)
  for (const [at, result] of results.entries()) {
    if (result !== undefined) continue
    const reply = await client.read(timeouts.acceptMs)
    const rest = answer(hop, reply, { relayed, tlsFailure })
    if (reply.code === 421) return { rest, state: 'over' }
    if (protocol === 'smtp' || at === last) return { rest, state: stateAfter(reply) }
    results[at] = rest
  }
  throw new Error('a message was sent for nobody')
}

function stateAfter(reply: HopReply): SessionState {
  return saysYes(reply) ? 'ready' : 'unclear'
}

function dsnState({ extensions }: SmtpSession): 'with-dsn' | 'without-dsn' {
  return extensions.has('DSN') ? 'with-dsn' : 'without-dsn'
}

function byChunks({ session: { extensions } }: Transaction): boolean {
  return extensions.has('CHUNKING')
}

/** MAIL, RCPT and DATA. Stops unless somebody is accepted and the message may be sent. */
async function offer(transaction: Transaction, progress: Progress): Promise<Stopped | undefined> {
  const { session, recipients, timeouts } = transaction
  const { client, hop, extensions, noLogin } = session
  const { results, leftOver } = progress
  const source = transaction.source && xforwardCommands(transaction.source, extensions)
  const sourceLines = source ?? []
  const mailLine = mailCommand({ ...transaction, extensions, user: session.user })
  const rcptLines = recipients.map((recipient) => rcptCommand(recipient, extensions))
  const dataLine = byChunks(transaction) ? [] : ['DATA']
  const pipelined = extensions.has('PIPELINING')
  const commands = [...sourceLines, mailLine, ...rcptLines, ...dataLine]
  const farewell = pipelined ? await pipeline(transaction, commands) : undefined
  if (farewell !== undefined) return { rest: refusal(hop, farewell), state: 'over' }
  const ask = (line: string, ms: number): Promise<HopReply> =>
    pipelined ? client.read(ms) : client.command(line, ms)

  for (const line of sourceLines) {
    const told = await ask(line, timeouts.mailMs)
    // Whatever else it says: it would rather not know.
    if (told.code === 421) return { rest: refusal(hop, told), state: 'over' }
  }
  const mail = await ask(mailLine, timeouts.mailMs)
  const rest = refusalAtEnvelope(hop, mail, noLogin)
  if (mail.code === 421) return { rest, state: 'over' }
  progress.heard = true
  if (!saysYes(mail)) {
    const unread = pipelined ? rcptLines.length + dataLine.length : 0
    return { rest, state: await readOff(transaction, unread, 'over') }
  }

  progress.step = 'RCPT'
  let last = mail
  for (const [at, line] of rcptLines.entries()) {
    last = await ask(line, timeouts.rcptMs)
    if (last.code === 421) return { rest: refusal(hop, last), state: 'over' }
    if (saysYes(last)) continue
    results[at] = refusalAtEnvelope(hop, last, noLogin)
    if (!takesNoMore(last)) continue
    leftOver.push(at)
    results[at] = refusal(hop, { code: 452, lines: ['4.5.3 Too many recipients'] })
  }
  if (!results.includes(undefined)) {
    const unread = pipelined ? dataLine.length : 0
    return { rest: refusal(hop, last), state: await readOff(transaction, unread, 'end-it') }
  }
  if (dataLine.length === 0) return undefined

  progress.step = 'DATA'
  const data = await ask('DATA', timeouts.dataMs)
  if (data.code === 354) return undefined
  return { rest: refusal(hop, data), state: data.code === 421 ? 'over' : 'unclear' }
}

/**
 * Sends all commands at once (PIPELINING, RFC 2920).
 * @returns the 421 of a peer that hung up before it was asked; then nothing was sent
 */
async function pipeline(
  { session: { client }, timeouts }: Transaction,
  commands: readonly string[],
): Promise<HopReply | undefined> {
  if (client.hasSpoken) {
    const early = await client.read(timeouts.mailMs)
    if (early.code === 421) return early
    throw new PosternError('PEER_FAILED', 'it replied before it was asked')
  }
  await client.write(Buffer.from(`${commands.join('\r\n')}\r\n`), timeouts.mailMs)
  return undefined
}

/** Too many recipients for one transaction, and not for ever, by 452 or by the older 552 (RFC 5321 §4.5.3.1.10). */
function takesNoMore({ code, lines: [text] }: HopReply): boolean {
  return code === 452
    ? /^(?:4\.5\.3(?: |$)|(?!4\.))/.test(text)
    : code === 552 && /^5\.5\.3(?: |$)/.test(text)
}

/**
 * Reads the replies to commands that were sent ahead and are of no interest any more. A 354 among them waits for a
 * message: where nobody was accepted an empty one is sent (RFC 2920 §3.1), else the session is given up.
 */
async function readOff(
  { session: { client }, timeouts }: Transaction,
  unread: number,
  at354: 'over' | 'end-it',
): Promise<SessionState> {
  try {
    for (let left = unread; left > 0; left--) {
      const { code } = await client.read(timeouts.rcptMs)
      if (code === 421) return 'over'
      if (code !== 354) continue
      if (at354 === 'over') return 'over'
      await client.write(Buffer.from('.\r\n'), timeouts.blockMs)
      const end = await client.read(timeouts.acceptMs)
      if (end.code === 421) return 'over'
    }
    return 'unclear'
  } catch (error) {
    if (error instanceof PosternError) return 'over'
    throw error
  }
}
