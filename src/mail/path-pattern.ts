/** How people write which addresses they mean: `<>`, `@domain` or an address; a domain, or `.domain` for all below it. Pure. */
import { formatMailbox, type Mailbox } from './address.ts'
import { asciiDomain } from './domain.ts'
import type { ReversePath } from './envelope.ts'

/** An address may stand in its brackets; without regard to case. `@.example.org`: every domain below it. */
export function isMeantPath(path: ReversePath, wanted: string): boolean {
  const text = bare(wanted)
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

/** Many of these patterns as one question, which costs the same however many there are. */
export class PathPatterns {
  #null = false
  readonly #addresses = new Set<string>()
  readonly #domains = new Set<string>()
  readonly #suffixes = new Set<string>()

  /** @param wanted each as `isMeantPath` reads it */
  constructor(wanted: Iterable<string>) {
    for (const each of wanted) {
      const text = bare(each)
      if (text === '') this.#null = true
      else if (text.startsWith('@.')) this.#suffixes.add(canonicalDomain(text.slice(2)))
      else if (text.startsWith('@')) this.#domains.add(canonicalDomain(text.slice(1)))
      else this.#addresses.add(text.toLowerCase())
    }
  }

  /** Whether any of them means this path. */
  mean(path: ReversePath): boolean {
    if (path === null) return this.#null
    if (this.#addresses.size > 0 && this.#addresses.has(formatMailbox(path).toLowerCase())) {
      return true
    }
    if (this.#domains.size + this.#suffixes.size === 0) return false
    const domain = canonicalDomain(path.domain)
    if (this.#domains.has(domain)) return true
    if (this.#suffixes.size === 0) return false
    for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
      if (this.#suffixes.has(domain.slice(dot + 1))) return true
    }
    return false
  }
}

function bare(wanted: string): string {
  return wanted.replace(/^<(.*)>$/, '$1')
}

function canonicalDomain(domain: string): string {
  return asciiDomain(domain) || domain.toLowerCase()
}
