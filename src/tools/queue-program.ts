/** Hands mail over as every program of qmail's does: to what QMAILQUEUE names, or to our own queue. */
import { isPosternError } from '../mail/errors.ts'
import { qmailEnvelopeBytes, type QmailEnvelope } from '../formats/qmail-queue-protocol.ts'
import {
  qmailQueueCrashed,
  qmailQueueMissing,
  qmailQueueReply,
  type QmailQueueReply,
} from '../formats/qmail-queue-replies.ts'
import type { Programs } from '../runtime/programs.ts'

export interface MailToQueue {
  readonly envelope: QmailEnvelope
  /** With LF line ends. */
  readonly message: Uint8Array | AsyncIterable<Uint8Array>
}

export interface QueueProgram {
  readonly programs: Programs
  /** What the program sees. */
  readonly environment: ReadonlyMap<string, string>
  /** Where QMAILQUEUE does not name one. */
  readonly otherwise: readonly [string, ...string[]]
}

/** @returns the number of the process that took it, or why none did */
export async function handToProgram(
  { programs, environment, otherwise }: QueueProgram,
  { envelope, message }: MailToQueue,
  signal: AbortSignal,
): Promise<{ readonly queued: string } | QmailQueueReply> {
  const named = environment.get('QMAILQUEUE')
  const inputs = new Map([
    [0, message],
    [1, qmailEnvelopeBytes(envelope)],
  ])
  const command = named === undefined ? otherwise : ([named] as const)
  try {
    const { end, pid } = await programs.run({ command, environment, inputs }, signal)
    const reply = 'exit' in end ? qmailQueueReply(end.exit) : qmailQueueCrashed
    return reply ?? { queued: String(pid) }
  } catch (error) {
    if (isPosternError(error, 'PROGRAM_FAILED')) return qmailQueueMissing
    throw error
  }
}
