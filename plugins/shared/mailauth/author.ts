/**
 * Whose message it says it is: the domains in From (RFC 5322 §3.4, RFC 6854). A reader may be shown any of them, so that
 * none is left out; where the field cannot be read in one way, nothing is guessed. Linear, and never throws.
 */
import { asciiDomain, isAddressLiteral, isDomain } from 'postern/plugin'

export type Authors =
  | { readonly readable: true; readonly domains: readonly string[] }
  | { readonly readable: false; readonly problem: string }

/** More than anybody has reason to write. */
const mostDomains = 5
const longestField = 16_384

/** @param fields the values of all From fields, unfolded */
export function authorDomains(fields: readonly string[]): Authors {
  const [field, ...others] = fields
  if (field === undefined) return unreadable('there is no From field')
  if (others.length > 0) return unreadable(`there are ${fields.length} From fields`)
  if (field.length > longestField) return unreadable('the From field is too long')
  const addresses = new AddressReader(field).read()
  if (addresses === undefined) return unreadable('the From field is malformed')
  const domains = new Set<string>()
  for (const address of addresses) {
    const domain = domainOf(address)
    if (domain === undefined) return unreadable('an address in From has no domain')
    domains.add(domain)
  }
  if (domains.size === 0) return unreadable('there is no address in From')
  if (domains.size > mostDomains) return unreadable(`there are ${domains.size} domains in From`)
  return { readable: true, domains: [...domains] }
}

function unreadable(problem: string): Authors {
  return { readable: false, problem }
}

/** The domain in lower case, U-labels as A-labels, without a final dot. */
function domainOf(address: string): string | undefined {
  // A source route (RFC 5322 §4.4) ends at its colon.
  const plain = address.startsWith('@') ? address.slice(address.indexOf(':') + 1) : address
  const at = plain.indexOf('@')
  if (at <= 0 || plain.includes('@', at + 1) || plain.includes(' ', at)) return undefined
  const written = plain
    .slice(at + 1)
    .replace(/\.$/, '')
    .toLowerCase()
  if (isAddressLiteral(written)) return written
  const domain = asciiDomain(written)
  return domain !== '' && isDomain(domain) ? domain : undefined
}

/**
 * An address without the blanks and comments that may stand around its dots and its @ (RFC 5322 §4.4). Others stay as one
 * blank: who takes `a@x.test y` for an address of `x.testy` is not shown what those see who stop at the blank. A quoted string is
 * a quotation mark, which no domain has.
 */
class AddressText {
  text = ''
  /** Its last character: to look at a text that grows puts it together anew. */
  #last = ''
  #parted = false

  add(c: string): void {
    if (/[ \t\r\n]/.test(c)) {
      this.#parted = true
      return
    }
    const joins = (each: string): boolean => each === '' || each === '.' || each === '@'
    if (this.#parted && !joins(c) && !joins(this.#last)) this.text += ' '
    this.text += c
    this.#last = c
    this.#parted = false
  }
}

/** Reads mailboxes and groups; what is quoted or a comment is no address, whatever it looks like. */
class AddressReader {
  readonly #text: string
  #at = 0
  /** Of the mailbox that is being read: what stands outside of angle brackets. */
  #bare = new AddressText()
  #angles: string[] = []
  #addresses: string[] = []

  constructor(text: string) {
    this.#text = text
  }

  /** @returns undefined where a quote, a comment or a bracket has no end */
  read(): readonly string[] | undefined {
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charAt(this.#at)
      if (c === '"' || c === '(' || c === '<') {
        if (!this.#enclosed(c)) return undefined
      } else if (c === ',' || c === ';') this.#endMailbox()
      else if (c === ':') {
        // What is before it names a group, and is not for others an address.
        if (this.#angles.length > 0 || this.#bare.text.includes('@')) return undefined
        this.#bare = new AddressText()
      } else if (c === '\\' || c === '>' || c === ')') return undefined
      else this.#bare.add(c)
    }
    this.#endMailbox()
    return this.#addresses
  }

  #enclosed(opening: '"' | '(' | '<'): boolean {
    if (opening === '"') {
      this.#bare.add(opening)
      return this.#quoted()
    }
    if (opening === '(') {
      this.#bare.add(' ')
      return this.#comment()
    }
    const angle = this.#angle()
    if (angle === undefined) return false
    this.#angles.push(angle)
    return true
  }

  /** A mailbox of the form `name <address>`; without brackets, all of it is the address. */
  #endMailbox(): void {
    if (this.#angles.length > 0) this.#addresses.push(...this.#angles)
    else if (this.#bare.text !== '') this.#addresses.push(this.#bare.text)
    this.#bare = new AddressText()
    this.#angles = []
  }

  #quoted(): boolean {
    for (this.#at += 1; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charAt(this.#at)
      if (c === '"') return true
      if (c === '\\') this.#at += 1
    }
    return false
  }

  #comment(): boolean {
    for (let depth = 0; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charAt(this.#at)
      if (c === '\\') this.#at += 1
      else if (c === '(') depth += 1
      else if (c === ')') depth -= 1
      if (depth === 0) return true
    }
    return false
  }

  #angle(): string | undefined {
    const address = new AddressText()
    for (this.#at += 1; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charAt(this.#at)
      if (c === '>') return address.text
      if (c === '<') return undefined
      if (c === '"') {
        address.add(c)
        if (!this.#quoted()) return undefined
      } else if (c === '(') {
        address.add(' ')
        if (!this.#comment()) return undefined
      } else address.add(c)
    }
    return undefined
  }
}
