/** How people write which addresses they mean: `<>`, `@domain` or an address; a domain, or `.domain` for all below it. Pure. */
import { formatMailbox, type Mailbox } from './address.ts'
import { asciiDomain } from './domain.ts'
import type { ReversePath } from './envelope.ts'

/** An address may stand in its brackets; without regard to case. `@.example.org`: every domain below it. */
export function isMeantPath(path: ReversePath, wanted: string): boolean {
  const text = wanted.replace(/^<(.*)>$/, '$1')
  if (path === null || text === '') return path === null && text === ''
  if (text.startsWith('@')) return isMeantDomain(path, text.slice(1))
  return formatMailbox(path).toLowerCase() === text.toLowerCase()
}

/** `example.org`, or `.example.org` for every domain below it. */
export function isMeantDomain({ domain }: Pick<Mailbox, 'domain'>, wanted: string): boolean {
  const canonical = canonicalDomain(domain)
  if (!wanted.startsWith('.')) return canonical === canonicalDomain(wanted)
  return canonical.endsWith(`.${canonicalDomain(wanted.slice(1))}`)
}

function canonicalDomain(domain: string): string {
  return asciiDomain(domain) || domain.toLowerCase()
}
