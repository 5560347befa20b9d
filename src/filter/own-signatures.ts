/**
 * Mail that the gateway writes itself has no session; the chain's signers are asked about it all the same, as about somebody
 * who has logged in here. Who fails, or has nothing to say, leaves the message as it is.
 */
import type { HeaderEdit } from '../mail/edits.ts'
import type { Recipient, ReversePath } from '../mail/envelope.ts'
import { emptyEnvironment } from '../mail/environment.ts'
import type { Message } from '../mail/message.ts'
import type { Session } from '../mail/session.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Generation } from './generation.ts'
import { applies, decidedly } from './applies.ts'
import { Inquiry } from './inquiry.ts'

export interface OwnMail {
  readonly message: Message
  readonly reversePath: ReversePath
  readonly recipients: readonly Recipient[]
}

export interface OwnSignaturesParts {
  readonly generation: () => Generation
  /** Our own name. */
  readonly hostname: () => string
  readonly clock: Clock
  readonly log: Log
}

/** A listener of this name there is none, so that no condition about one holds. */
const ourselves = 'the gateway itself'

/** @returns fields to stand above the message, the lowest first */
export async function ownSignatures(
  { generation, hostname, clock, log }: OwnSignaturesParts,
  { message, reversePath, recipients }: OwnMail,
): Promise<readonly HeaderEdit[]> {
  const chain = generation()
  chain.enter()
  const inquiry = new Inquiry(chain, { clock, log })
  const session: Session = {
    id: 'own',
    startedAt: clock.now(),
    listener: ourselves,
    remote: nowhere,
    local: nowhere,
    hostname: hostname(),
    environment: emptyEnvironment,
    user: ourselves,
  }
  const { startedAt } = session
  const transaction = { id: 'own', session, startedAt, reversePath, parameters: {}, recipients }
  const edits: HeaderEdit[] = []
  try {
    inquiry.begin('message', session)
    for (const place of chain.places.sign) {
      if (place.entry.shadow) continue
      const meant = recipients.every(
        (recipient) => applies(inquiry, place, recipient, decidedly) === true,
      )
      if (!meant) continue
      // oxlint-disable-next-line no-await-in-loop -- one signer after the other, as for every message
      const { verdict } = await inquiry.ask(place, { transaction, message })
      edits.push(...(verdict.headerEdits ?? []))
    }
    return edits
  } finally {
    inquiry.end()
    chain.leave()
  }
}

const nowhere = { address: '', port: 0 }
