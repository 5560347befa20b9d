/**
 * Who is told that a message was quarantined, in Qmail-Scanner's terms, and in which words. Nobody is, where nothing is
 * said: the sender of a virus is forged, and a sender that is told is a bounce to a stranger.
 */
import type { Mailbox } from '../mail/address.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { Header } from '../mail/header.ts'
import type { Notify } from '../mail/quarantine-notify.ts'
import { verpBase } from '../mail/verp.ts'
import type { HeldMessage } from './held-message.ts'

export interface NoticeRules {
  readonly notify: readonly Notify[]
  readonly admin: Mailbox | undefined
  /** Entries of the chain that hold viruses. */
  readonly virusEntries: readonly string[]
  /** Whether mail to this address stays with us: nobody else is told what we hold. */
  readonly isOurs: (mailbox: Mailbox) => boolean
}

/** One message, with everybody for whom it is held. */
export interface Quarantined {
  readonly copies: readonly HeldMessage[]
  readonly envelope: Pick<Envelope, 'reversePath' | 'user'>
  readonly recipients: readonly Mailbox[]
  readonly header: Header
}

export interface Addressee {
  readonly to: Mailbox
  readonly as: 'sender' | 'recipient' | 'admin'
}

export function addresseesOf(quarantined: Quarantined, rules: NoticeRules): readonly Addressee[] {
  const { copies, envelope, recipients, header } = quarantined
  const { notify, admin, virusEntries, isOurs } = rules
  const isVirus = copies.some(({ entry }) => entry !== undefined && virusEntries.includes(entry))
  const isList = isFromList(header)
  const wants = (...choices: readonly Notify[]): boolean =>
    choices.some((choice) => notify.includes(choice))
  const told: Addressee[] = []
  const { user } = envelope
  const reversePath = verpBase(envelope.reversePath) ?? envelope.reversePath
  const isKnown = reversePath !== null && (user !== undefined || isOurs(reversePath))
  if (wants('sender') && isKnown && !isVirus && !isList)
    told.push({ to: reversePath, as: 'sender' })
  if (wants('recips') || (wants('precips') && !isVirus)) {
    told.push(...recipients.filter(isOurs).map((to) => ({ to, as: 'recipient' }) as const))
  }
  const adminIsTold =
    wants('admin') || (!isList && (wants('nmladm') || (wants('nmlvadm') && !isVirus)))
  if (adminIsTold && admin !== undefined) told.push({ to: admin, as: 'admin' })
  return told
}

/** Mail that a program wrote is answered by none (RFC 3834 §2). */
function isFromList(header: Header): boolean {
  const precedence = header.first('precedence')?.toLowerCase() ?? ''
  const automatic = header.first('auto-submitted')?.toLowerCase() ?? 'no'
  return (
    ['list-id', 'list-unsubscribe', 'mailing-list'].some(
      (name) => header.first(name) !== undefined,
    ) ||
    ['bulk', 'list', 'junk'].includes(precedence) ||
    !automatic.startsWith('no')
  )
}

const namedCopies = 20

/** What one of them reads. Only the administrator reads why, and how to let it go. */
export function noticeText(
  { copies }: Quarantined,
  { as }: Addressee,
  hostname: string,
): { readonly subject: string; readonly text: readonly string[] } {
  const [first] = copies
  const about = first?.subject === '' ? 'a message without a subject' : `"${first?.subject ?? ''}"`
  const facts = [
    `From:     ${first?.reversePath ?? ''}`,
    `Subject:  ${first?.subject ?? ''}`,
    ...(as === 'recipient'
      ? []
      : copies.slice(0, namedCopies).map(({ recipients }) => `To:       ${recipients.join(', ')}`)),
  ]
  const what = {
    sender: 'A message of yours was not delivered: it is kept for a person to look at.',
    recipient: 'A message to you was not delivered: it is kept for a person to look at.',
    admin: 'A message is in quarantine.',
  }[as]
  const commands = copies
    .slice(0, namedCopies)
    .flatMap(({ id, reason, entry, score }) => [
      '',
      `Reason:   ${reason}${entry === undefined ? '' : ` (${entry})`}${score === undefined || score === 0 ? '' : `, score ${score}`}`,
      `postern quarantine show ${id}`,
      `postern quarantine release ${id}`,
    ])
  return {
    subject: `Quarantined: ${about}`,
    text: [
      `This is the postern program at ${hostname}.`,
      what,
      '',
      ...facts,
      ...(as === 'admin' ? commands : ['', `Please ask your postmaster about ${first?.id ?? ''}.`]),
    ],
  }
}
