/**
 * What a recipient reads once a day: the messages that were kept from them since the last time, each with links to let
 * it go or to delete it where somebody serves them. A link is signed and expires, and acts only on a confirmation.
 */
import { signAction, type SignedAction } from '../formats/signed-action.ts'
import type { Instant } from '../mail/instant.ts'
import { formatDate } from '../mail/trace-fields.ts'
import type { HeldMessage } from './held-message.ts'

export interface DigestLinks {
  /** Such as `https://mail.example.org/quarantine`; the token is put behind it as `?token=`. */
  readonly base: string
  readonly key: Uint8Array
  readonly lifetimeMs: number
}

export interface DigestFacts {
  readonly hostname: string
  readonly recipient: string
  /** Newest first. */
  readonly held: readonly HeldMessage[]
  /** How many more there are. */
  readonly more: number
  readonly now: Instant
  /** Absent: nobody serves links, and the postmaster does it. */
  readonly links: DigestLinks | undefined
}

export function digestText(facts: DigestFacts): {
  readonly subject: string
  readonly text: readonly string[]
} {
  const { hostname, recipient, held, more, links } = facts
  const count = held.length + more
  const messages = count === 1 ? '1 message was' : `${count} messages were`
  return {
    subject: `${messages} kept from you`,
    text: [
      `This is the postern program at ${hostname}.`,
      `${messages} kept from ${recipient}.`,
      links === undefined
        ? 'Your postmaster can let them go, by what stands below each of them.'
        : 'Each link asks you once more before it does anything.',
      ...held.flatMap((each) => ['', ...lines(each), ...ways(each, facts)]),
      ...(more > 0 ? ['', `and ${more} more`] : []),
    ],
  }
}

function lines({ receivedAt, reversePath, subject }: HeldMessage): readonly string[] {
  return [
    `  ${formatDate(receivedAt)}`,
    `  From:     ${reversePath}`,
    `  Subject:  ${subject === '' ? '(none)' : subject}`,
  ]
}

function ways({ id }: HeldMessage, { recipient, now, links }: DigestFacts): readonly string[] {
  if (links === undefined) return [`  postern quarantine release ${id}`]
  const { base, key, lifetimeMs } = links
  const link = (action: SignedAction['action']): string => {
    const token = signAction(key, { action, id, recipient, expiresAt: now + lifetimeMs })
    return `${base}${base.includes('?') ? '&' : '?'}token=${token}`
  }
  return [`  Let it through:  ${link('release')}`, `  Delete it:       ${link('delete')}`]
}
