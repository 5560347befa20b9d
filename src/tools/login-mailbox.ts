import { parseMailbox, type Mailbox } from '../mail/address.ts'

/**
 * The address of a login: `bob@example.org`; vpopmail's clients also write `bob%example.org`; `bob` belongs to the host itself.
 * @returns undefined for what is none
 */
export function mailboxOf(user: string): Mailbox | undefined {
  const at = user.includes('@') ? user : user.replace(/%(?=[^%]*$)/, '@')
  if (!at.includes('@')) return at === '' ? undefined : { localPart: at, domain: '' }
  return parseMailbox(at, { smtputf8: true })
}
