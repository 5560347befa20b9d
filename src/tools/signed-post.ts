/**
 * The queue's front door for mail that the gateway writes itself: bounces, digests, alerts, reports. Each is signed by the
 * chain's signers as what people send is (DKIM, where there is a key for the domain in From); without one it goes as it is.
 */
import { ownSignatures, type OwnSignaturesParts } from '../filter/own-signatures.ts'
import { PosternError } from '../mail/errors.ts'
import type { Message } from '../mail/message.ts'
import type { Draft, Placement, Queue } from '../queue/queue.ts'
import type { Doors } from '../runtime/doors.ts'

/** All that who writes mail needs of a queue. */
export type FrontDoor = Pick<Queue, 'begin'>

export interface SignedPostParts extends Pick<OwnSignaturesParts, 'generation' | 'hostname'> {
  readonly queue: FrontDoor
  readonly doors: Pick<Doors, 'clock' | 'log'>
}

export function signedPost({ queue, doors, generation, hostname }: SignedPostParts): FrontDoor {
  const { clock, log } = doors
  const signers = { clock, log, generation, hostname }
  const signed = async (message: Message, placement: Placement): Promise<Placement> => {
    const { reversePath, recipients } = placement.envelope
    const signatures = await ownSignatures(signers, { message, reversePath, recipients })
    return { ...placement, headerEdits: [...placement.headerEdits, ...signatures] }
  }
  return {
    begin(): Draft {
      const draft = queue.begin()
      let message: Message | undefined
      return {
        write: (chunk) => draft.write(chunk),
        async end() {
          message = await draft.end()
          return message
        },
        async commit([first, ...others], beside) {
          if (message === undefined) throw new PosternError('ABORTED', 'the message has no end')
          const mail = message
          const rest = await Promise.all(others.map((placement) => signed(mail, placement)))
          return draft.commit([await signed(mail, first), ...rest], beside)
        },
        abort: () => draft.abort(),
      }
    },
  }
}
