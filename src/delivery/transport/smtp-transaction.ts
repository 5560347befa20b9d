/**
 * One mail transaction with a next hop: MAIL, RCPT for each recipient, DATA, the message. Each recipient
 * gets the result that its own replies say. Promises: a recipient is `delivered` only when the reply to the
 * final dot was seen and said so; before that dot, a connection that breaks has delivered to nobody.
 */
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Recipient } from '../../mail/envelope.ts'
import { PosternError } from '../../mail/errors.ts'
import { DataEncoder } from './data-encoder.ts'
import { answer, refusal, trouble } from './hop-result.ts'
import { mailCommand, rcptCommand, type Mailing } from './mail-command.ts'
import type { HopReply } from './reply-reader.ts'
import type { SmtpTimeouts } from './smtp-timeouts.ts'

export interface Transaction extends Mailing {
  /** At most a hundred: what every server must take (RFC 5321 §4.5.3.1.8). */
  readonly recipients: readonly Recipient[]
  readonly timeouts: SmtpTimeouts
}

export interface TransactionOutcome {
  /** One for each of the recipients. */
  readonly results: readonly DeliveryResult[]
  /** Indexes of those that the next hop wants in another transaction; then at least one was in this. */
  readonly leftOver: readonly number[]
  /** Whether the session can take another MAIL. */
  readonly reusable: boolean
}

/** Speaks the commands, one by one or all at once (PIPELINING, RFC 2920), and gives their replies in order. */
type Ask = (command: string, timeoutMs: number) => Promise<HopReply>

export async function transact(transaction: Transaction): Promise<TransactionOutcome> {
  const { hop, session, recipients, timeouts } = transaction
  const results: (DeliveryResult | undefined)[] = recipients.map(() => undefined)
  const leftOver: number[] = []
  const finish = (rest: DeliveryResult, reusable = false): TransactionOutcome => ({
    results: results.map((result) => result ?? rest),
    leftOver,
    reusable,
  })
  let step = 'MAIL'
  try {
    const mailLine = mailCommand(transaction)
    const ask = await asker(transaction, [mailLine, ...recipients.map(rcptCommand), 'DATA'])

    const mail = await ask(mailLine, timeouts.mailMs)
    if (!saysYes(mail)) return finish(refusal(hop, mail))

    step = 'RCPT'
    let last = mail
    for (const [at, recipient] of recipients.entries()) {
      last = await ask(rcptCommand(recipient), timeouts.rcptMs)
      if (last.code === 421) return finish(refusal(hop, last))
      if (saysYes(last)) continue
      results[at] = refusal(hop, last)
      if (!takesNoMore(last)) continue
      leftOver.push(at)
      results[at] = refusal(hop, { code: 452, lines: ['4.5.3 Too many recipients'] })
    }
    if (!results.includes(undefined)) return finish(refusal(hop, last))

    step = 'DATA'
    const data = await ask('DATA', timeouts.dataMs)
    if (data.code !== 354) return finish(refusal(hop, data))

    step = 'the message'
    const early = await sendMessage(transaction)
    if (early !== undefined) {
      session.client.destroy()
      return finish(refusal(hop, early))
    }

    step = 'the final dot (possible duplicate)'
    const done = await session.client.read(timeouts.acceptMs)
    return finish(answer(hop, done), done.code !== 421)
  } catch (error) {
    session.client.destroy()
    return finish(trouble(hop, error, step))
  }
}

/** Too many recipients for one transaction, and not for ever, by 452 or by the older 552 (RFC 5321 §4.5.3.1.10). */
function takesNoMore({ code, lines: [text] }: HopReply): boolean {
  return code === 452
    ? /^(?:4\.5\.3(?: |$)|(?!4\.))/.test(text)
    : code === 552 && /^5\.5\.3(?: |$)/.test(text)
}

async function asker(
  { session: { client, extensions }, timeouts }: Transaction,
  commands: readonly string[],
): Promise<Ask> {
  if (!extensions.has('PIPELINING')) return (command, ms) => client.command(command, ms)
  if (client.hasSpoken) throw new PosternError('PEER_FAILED', 'it replied before it was asked')
  await client.write(Buffer.from(`${commands.join('\r\n')}\r\n`), timeouts.mailMs)
  return (_, ms) => client.read(ms)
}

/** @returns the reply of a peer that did not wait for the final dot, which is then not sent */
async function sendMessage({
  session,
  message,
  timeouts,
}: Transaction): Promise<HopReply | undefined> {
  const { client } = session
  const encoder = new DataEncoder()
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of message.read()) {
    if (client.hasSpoken) return client.read(timeouts.blockMs)
    if (held.length > 0) await client.write(held, timeouts.blockMs)
    held = encoder.encode(chunk)
  }
  if (client.hasSpoken) return client.read(timeouts.blockMs)
  await client.write(Buffer.concat([held, encoder.end()]), timeouts.blockMs)
  return undefined
}

function saysYes({ code }: HopReply): boolean {
  return code >= 200 && code < 300
}
