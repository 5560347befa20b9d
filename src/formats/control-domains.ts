/**
 * The control files that speak of domains: rcpthosts and morercpthosts.cdb, locals, virtualdomains. Case does not count.
 * `heaven.mil` matches itself and nothing else, `.heaven.mil` everything below it and not itself.
 */
import { CdbError, readAtBytes } from './cdb.ts'
import { openCdb, type Cdb } from './cdb-reader.ts'
import { controlList, controlTable, sound, strayCharacter, type ControlReading } from './control.ts'
import type { LineMistake } from './line-mistake.ts'
import { latin1, lowerAscii } from './octets.ts'

/** Longer ones do not exist (RFC 1035 §2.3.4), so none of our files speaks of them. */
const DOMAIN_LONGEST = 255
const NOT_IN_A_DOMAIN = /[\s@:,]/

/** Domains that a file lists, by name or by `.suffix`. */
export interface DomainList {
  /** The entry that covers this domain, lower-cased; undefined where none does. */
  find(domain: string): string | undefined
}

/** One line `key:prefix` of virtualdomains. An empty prefix means: not virtual after all, deliver by SMTP. */
export interface VirtualDomain {
  readonly key: string
  readonly prefix: string
  readonly line: number
}

export interface VirtualDomains {
  /** The line for an address: for its whole text, its domain, a `.suffix`, or everything; in this order. */
  find(address: string): VirtualDomain | undefined
  /** Whole domains that are named here, and virtual; lower case. */
  readonly domains: readonly string[]
}

/** What qmail looks up for a domain, lower-cased: the domain itself, then each suffix that begins with a dot. */
export function* domainKeys(domain: string): Generator<string, void> {
  if (domain === '' || domain.length > DOMAIN_LONGEST) return
  const lower = lowerAscii(domain)
  yield lower
  for (let dot = lower.indexOf('.', 1); dot !== -1; dot = lower.indexOf('.', dot + 1)) {
    yield lower.slice(dot)
  }
}

/** No file covers nothing: unlike qmail's, a gateway without rcpthosts is closed. */
export function parseRcpthosts(bytes: Uint8Array | undefined): ControlReading<DomainList> {
  const reading = parseDomains(bytes)
  return { ...reading, value: domainList((key) => reading.value.has(key)) }
}

/** morercpthosts.cdb: the same walk over a cdb. `find` throws CdbError where the file is damaged. */
export function moreRcpthosts(cdb: Pick<Cdb, 'get'>): DomainList {
  return domainList((key) => cdb.get(key) !== undefined)
}

/**
 * What both files list, for whoever wants to know what this host takes mail for. A cdb that is damaged lists what can be read
 * of it, and is doubtful.
 */
export function parseAllRcpthosts(
  bytes: Uint8Array | undefined,
  more: Uint8Array | undefined,
): ControlReading<DomainList> {
  const written = parseDomains(bytes)
  if (more === undefined) return { ...written, value: domainList((key) => written.value.has(key)) }
  const domains = new Set(written.value)
  const doubts = [...written.doubts]
  try {
    for (const [key] of openCdb(readAtBytes(more)).entries()) domains.add(latin1(key))
  } catch (error) {
    if (!(error instanceof CdbError)) throw error
    const remedy = 'make it anew: postern cdb'
    doubts.push({ line: 1, text: `morercpthosts.cdb: ${error.message}`, remedy })
  }
  return { ...written, value: domainList((key) => domains.has(key)), doubts }
}

/** The domains in locals, lower-cased: exact names, no suffixes. Without a file, the host's own name. */
export function parseLocals(
  bytes: Uint8Array | undefined,
  me: string,
): ControlReading<ReadonlySet<string>> {
  return bytes === undefined ? sound(new Set([lowerAscii(me)])) : parseDomains(bytes)
}

export function parseVirtualDomains(bytes: Uint8Array | undefined): ControlReading<VirtualDomains> {
  const table = controlTable(bytes)
  const mistakes = [...table.mistakes]
  for (const { value: prefix, line, text } of table.value.values()) {
    if (!/\s/.test(prefix) || strayCharacter(text) !== undefined) continue
    mistakes.push({ line, text, remedy: 'write key:prefix without blanks' })
  }
  const find = (address: string): VirtualDomain | undefined => {
    for (const key of virtualKeys(address)) {
      const pair = table.value.get(key)
      if (pair !== undefined) return { key, prefix: pair.value, line: pair.line }
    }
    return undefined
  }
  const domains = [...table.value].flatMap(([key, { value: prefix }]) =>
    prefix === '' || key === '' || key.startsWith('.') || key.includes('@') ? [] : [key],
  )
  return { value: { find, domains }, mistakes, doubts: table.doubts }
}

/** qmail-send's order: the whole address, the domain, its suffixes, nothing at all. The last `@` divides. */
function* virtualKeys(address: string): Generator<string, void> {
  const at = address.lastIndexOf('@')
  yield lowerAscii(address)
  if (at !== -1) yield* domainKeys(address.slice(at + 1))
  yield ''
}

function domainList(has: (key: string) => boolean): DomainList {
  return {
    find(domain) {
      for (const key of domainKeys(domain)) if (has(key)) return key
      return undefined
    },
  }
}

function parseDomains(bytes: Uint8Array | undefined): ControlReading<ReadonlySet<string>> {
  const domains = new Set<string>()
  const mistakes: LineMistake[] = []
  for (const { line, text } of controlList(bytes)) {
    const remedy = strayCharacter(text) ?? notADomain(text)
    if (remedy !== undefined) mistakes.push({ line, text, remedy })
    domains.add(lowerAscii(text))
  }
  return { ...sound(domains), mistakes }
}

/** An address literal in brackets is a domain too, and may hold colons. */
function notADomain(text: string): string | undefined {
  const literal = text.startsWith('[') && text.endsWith(']')
  return !literal && NOT_IN_A_DOMAIN.test(text)
    ? 'write one domain, or .domain, on a line'
    : undefined
}
