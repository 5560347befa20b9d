/**
 * How root delivers: by a process that is the user's from its first instruction, as qmail-lspawn does. It can write what
 * the user can write; what it wants to be forwarded it says on descriptor 3, and we send that on once it has ended well.
 */
import { latin1Bytes, readable } from '../../formats/octets.ts'
import { parseQmailEnvelope } from '../../formats/qmail-queue-protocol.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Programs } from '../../runtime/programs.ts'
import type { LocalDelivery, LocalDoors } from './local-delivery.ts'
import { localResult } from './local-result.ts'
import type { Becoming } from './local-transport.ts'

export interface BecomeUserOptions {
  readonly programs: Programs
  readonly forward: LocalDoors['forward']
  /** `postern local`, as it is started. */
  readonly program: readonly [string, ...string[]]
}

/** Where the process says what it forwards. */
export const forwardDescriptor = 3
/** `postern local` ends the program that the user's .qmail started, which may take two seconds, and then itself. */
const programEndMs = 4000
const mostForwardBytes = 4 << 20
const mostReportBytes = 64 << 10

export function becomeUser({ programs, forward, program }: BecomeUserOptions): Becoming {
  return async (delivery, { uid, gid }, signal) => {
    const { user, home, local, dash, extension, host, sender } = delivery.address
    const about = [user, home, local, dash, extension, host, sender, delivery.defaultDelivery]
    try {
      const { end, outputs } = await programs.run(
        {
          command: [...program, '--', ...about.map((each) => readable(latin1Bytes(each)))],
          environment: delivery.environment,
          as: { uid, gid },
          graceMs: programEndMs,
          inputs: new Map([[0, { file: delivery.message() }]]),
          outputs: new Map([
            [1, mostReportBytes],
            [2, mostReportBytes],
            [forwardDescriptor, mostForwardBytes],
          ]),
        },
        signal,
      )
      const text = [1, 2].map((each) => readable(outputs.get(each) ?? nothing)).join('')
      if ('signal' in end) return localResult(111, 'Aack, child crashed. (#4.3.0)')
      // `postern local` says 0, 100 or 111: whatever else is a process that could not do its work.
      if (end.exit !== 0) return localResult(end.exit === 100 ? 100 : 111, text)
      return await sendOn(delivery, { forward, asked: outputs.get(forwardDescriptor), text })
    } catch (error) {
      if (isPosternError(error)) return localResult(111, `${error.message}. (#4.3.0)`)
      throw error
    }
  }
}

const nothing = new Uint8Array()

interface SendingOn {
  readonly forward: LocalDoors['forward']
  /** `undefined` or empty: nothing is to be forwarded. */
  readonly asked: Uint8Array | undefined
  readonly text: string
}

async function sendOn(
  delivery: LocalDelivery,
  { forward, asked = nothing, text }: SendingOn,
): Promise<DeliveryResult> {
  if (asked.length === 0) return localResult(0, text)
  const { local, host } = delivery.address
  const parsed = parseQmailEnvelope(asked)
  if (!parsed.ok)
    return localResult(111, 'Unable to forward message: too many recipients. (#4.3.0)')
  const sent = await forward({
    ...parsed.envelope,
    message: withDeliveredTo(`Delivered-To: ${local}@${host}\n`, delivery.message()),
  })
  if ('queued' in sent) return localResult(0, `${text}qp ${sent.queued}\n`)
  return localResult(sent.exit, sent.text)
}

async function* withDeliveredTo(
  line: string,
  message: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield latin1Bytes(line)
  yield* message
}
