/**
 * Variable envelope return paths, qmail's way: a reverse-path `list-@host-@[]` means that each recipient gets
 * the message from an address of its own, `list-user=there@host`, so that a bounce tells whose it is.
 */
import type { Mailbox } from './address.ts'
import type { ReversePath } from './envelope.ts'

export const verpMark = '-@[]'

/** What `verpBase` takes for it. */
export function verpPath({ localPart, domain }: Mailbox): Mailbox {
  return { localPart: `${localPart}@${domain}-`, domain: '[]' }
}

/** The mailbox without the mark, or undefined for every other reverse-path. */
export function verpBase(reversePath: ReversePath): Mailbox | undefined {
  // Asked of all mail: few domains end so.
  if (reversePath === null || !reversePath.domain.endsWith(']')) return undefined
  const text = `${reversePath.localPart}@${reversePath.domain}`
  if (!text.endsWith(verpMark)) return undefined
  const base = text.slice(0, -verpMark.length)
  const at = base.lastIndexOf('@')
  return at < 1 ? undefined : { localPart: base.slice(0, at), domain: base.slice(at + 1) }
}

/** The reverse-path that one recipient's copy has. A recipient without a domain says nothing of where it is: the base. */
export function reversePathFor(reversePath: ReversePath, recipient: Mailbox): ReversePath {
  const base = verpBase(reversePath)
  if (base === undefined) return reversePath
  if (recipient.domain === '') return base
  const { localPart, domain } = base
  return { localPart: `${localPart}${recipient.localPart}=${recipient.domain}`, domain }
}
