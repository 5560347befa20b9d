/**
 * What the links of digests do: what is held is let go or deleted for the recipient whom the link names, and stays held
 * for others. The signature
 * is the right to it; the queue lets a message go once, and a link that was followed is remembered until it expires.
 */
import { createHash } from 'node:crypto'
import type { LinkedMessage, LinkOperations, LinkReading } from '../../admin/operations.ts'
import type { HeldItem } from '../../admin/schemas/quarantine.ts'
import { readAction, type SignedAction } from '../../formats/signed-action.ts'
import type { AdminRecords } from '../../runtime/admin-records.ts'
import type { Clock } from '../../runtime/clock.ts'

export interface LinkParts {
  readonly held: {
    /** @returns undefined where it is not held for them */
    findFor(id: string, recipient: string): Promise<HeldItem | undefined>
    /** @returns whether it was; false where somebody was faster */
    decideFor(id: string, recipient: string, action: SignedAction['action']): Promise<boolean>
  }
  readonly records: Pick<AdminRecords, 'putUsedLink' | 'isUsedLink'>
  readonly clock: Pick<Clock, 'now'>
  /** Undefined where nobody signs. */
  readonly key: () => Promise<Uint8Array | undefined>
}

export class SignedLinks implements LinkOperations {
  readonly #parts: LinkParts

  constructor(parts: LinkParts) {
    this.#parts = parts
  }

  async look(token: string): Promise<LinkReading> {
    const found = await this.#find(token)
    return found.ok ? { ok: true, message: found.message } : found
  }

  async act(token: string): Promise<LinkReading> {
    const { held, records, clock } = this.#parts
    const found = await this.#find(token)
    if (!found.ok) return found
    const { message, signed } = found
    const { action, id, recipient } = message
    if (!(await held.decideFor(id, recipient, action))) return { ok: false, problem: 'gone' }
    // Only now: what failed may be tried again, and of two at once the queue obeys one.
    records.putUsedLink(nameOf(signed), signed.expiresAt, clock.now())
    return { ok: true, message }
  }

  async #find(
    token: string,
  ): Promise<
    | { readonly ok: true; readonly message: LinkedMessage; readonly signed: SignedAction }
    | Extract<LinkReading, { readonly ok: false }>
  > {
    const { held, records, clock, key } = this.#parts
    const signer = await key()
    if (signer === undefined) return { ok: false, problem: 'forged' }
    const reading = readAction(signer, token, clock.now())
    if (!reading.ok) return reading
    const signed = reading.action
    const { action, id, recipient } = signed
    if (records.isUsedLink(nameOf(signed))) return { ok: false, problem: 'used' }
    const found = await held.findFor(id, recipient)
    if (found === undefined) return { ok: false, problem: 'gone' }
    if (action === 'release' && !found.mayRelease) return { ok: false, problem: 'not-yours' }
    const { receivedAt, reversePath, subject } = found
    return {
      ok: true,
      message: { action, id, recipient, receivedAt, reversePath, subject },
      signed,
    }
  }
}

/** By what it says, not by how it is written: base64 can be written in more than one way. */
function nameOf({ action, id, recipient, expiresAt }: SignedAction): string {
  return createHash('sha256')
    .update(JSON.stringify([action, id, recipient, expiresAt]))
    .digest('hex')
}
