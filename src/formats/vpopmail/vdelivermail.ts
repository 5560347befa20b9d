/** Lines of the .qmail files of a vpopmail domain, as what they mean: whose mailbox, which address, which catch-all. */
import type { CatchAll } from '../../mail/mail-domain.ts'
import type { Instruction } from '../dot-qmail.ts'

/**
 * What `vdelivermail '' ACTION` does with mail that nobody has an address for.
 * @param command of a program line, without its bar
 * @returns undefined for any other program
 */
export function parseVdelivermail(command: string): CatchAll | undefined {
  const words = command
    .split(/[ \t]+/)
    .filter((word) => word !== '')
    .map((word) => word.replace(/^(['"])(.*)\1$/s, '$2'))
  const [program = '', , action] = words
  if (program !== 'vdelivermail' && !program.endsWith('/vdelivermail')) return undefined
  if (action === undefined || action === 'bounce-no-mailbox') return 'bounce'
  if (action === 'delete') return 'delete'
  const to = action.startsWith('/') ? mailboxAt(action) : action.replace(/^&/, '')
  return to?.includes('@') === true ? { to } : undefined
}

/**
 * Where a line sends mail to.
 * @param own the address that the file is for
 * @returns undefined for what vpopmail's mailboxes and forwards have no part in
 */
export function targetOf(instruction: Instruction, own: string): string | undefined {
  const domain = own.slice(own.lastIndexOf('@') + 1)
  switch (instruction.do) {
    case 'forward': {
      const address = instruction.address.trim()
      return address.includes('@') || address === '' ? address || undefined : `${address}@${domain}`
    }
    case 'maildir': {
      const { path } = instruction
      if (path.startsWith('/')) return mailboxAt(path)
      if (path === './Maildir/') return own
      const [, user] = /^\.\/([^/]+)\/Maildir\/$/.exec(path) ?? []
      return user === undefined ? undefined : `${user}@${domain}`
    }
    case 'program':
      return parseVdelivermail(instruction.command) !== undefined ||
        isDovecotDeliver(instruction.command)
        ? own
        : undefined
    case 'mbox':
    case 'forward-only':
      return undefined
  }
}

const lda =
  /^\s*(?:(?:\S*\/)?preline\s+(?:-[a-z]+\s+)*)?(?:\S*\/)?(?:dovecot-lda|deliver)\s+(\S.*)$/
const ownMailbox = /^(?:[^|;&`]*\s)?-d\s*["']?\$\{?EXT\}?@\$\{?USER\}?["']?\s*$/

/**
 * Dovecot's LDA for the user that the mail is for, by its path and mostly behind preline: how vpopmail 5.6 keeps a copy of
 * what it forwards.
 */
export function isDovecotDeliver(command: string): boolean {
  const [, options] = lda.exec(command) ?? []
  return options !== undefined && ownMailbox.test(options)
}

/** @param path the folder of a user, such as `…/domains/example.org/alice` */
export function domainOfFolder(path: string): string | undefined {
  return belowDomains(path)[0]
}

/** `…/domains/example.org/alice/Maildir/` */
function mailboxAt(path: string): string | undefined {
  const [domain, ...rest] = belowDomains(path)
  if (rest.at(-1) === 'Maildir') rest.pop()
  const user = rest.pop()
  const isHashed = rest.every((part) => part.length === 1)
  if (domain === undefined || user === undefined) return undefined
  return isHashed ? `${user}@${domain}` : undefined
}

/** From the name of the domain on: large sites have folders of one character before it, and before users. */
function belowDomains(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '')
  const at = parts.indexOf('domains')
  const below = at < 0 ? [] : parts.slice(at + 1)
  const from = below.findIndex((part) => part.length > 1)
  return from < 0 ? [] : below.slice(from)
}
