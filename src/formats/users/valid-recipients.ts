/**
 * Who receives mail here, as the keys of validrcptto.cdb: `local@domain`, `left-default@domain` for all that begins with
 * `left-`, `@domain` for a whole domain. What belongs to somebody who has no .qmail file for it is nobody's, though the domain
 * has a catch-all: such keys have the value `-`. Text is one character for each byte, lower-cased.
 */

/** Local parts of one owner, as a line of users/assign or an account gives them. */
export interface Territory {
  /** The local part itself, or what the local parts begin with. */
  readonly prefix: string
  readonly exact: boolean
  /** What stands between `.qmail` and an extension; empty: `.qmail` itself, or what is done without one. */
  readonly dash: string
  /** What an extension begins with. */
  readonly extension: string
  /** The .qmail files in the owner's home, each without `.qmail`, dots for colons. */
  readonly files: readonly string[]
  /** Of a domain whose `.qmail-default` knows only these: vpopmail's. */
  readonly mailboxes?: readonly string[]
}

export interface RecipientDomain {
  readonly domain: string
  /** What its recipients' local parts begin with here; empty for a domain of this host's own. */
  readonly prefix: string
}

/** One recipient whom control/virtualdomains names by itself, whatever becomes of its domain. */
export interface VirtualRecipient {
  readonly address: string
  /** The local part by which it is delivered here. */
  readonly local: string
}

/** @returns every key once, with whether it is valid */
export function validRecipients(
  territories: readonly Territory[],
  domains: readonly RecipientDomain[],
  recipients: readonly VirtualRecipient[] = [],
): ReadonlyMap<string, boolean> {
  const reaches = territories.map((territory) => ({ territory, ...reachOf(territory) }))
  const owners = new Owners(territories)
  const keys = new Map<string, boolean>()
  for (const { address, local } of recipients) {
    const owner = owners.ofAddress(local)
    keys.set(
      address,
      reaches.some(({ territory, ...reach }) => territory === owner && isReached(reach, local)),
    )
  }
  for (const domain of domains) {
    for (const [key, valid] of keysOf(domain, reaches, owners)) {
      if (!keys.has(key)) keys.set(key, valid)
    }
  }
  return keys
}

/** Of local parts: an exact line beats prefixes, of which the longest wins; of two equal ones the first. */
class Owners {
  readonly #exact = new Map<string, Territory>()
  readonly #wild = new Map<string, Territory>()

  constructor(territories: readonly Territory[]) {
    for (const territory of territories) {
      const map = territory.exact ? this.#exact : this.#wild
      if (!map.has(territory.prefix)) map.set(territory.prefix, territory)
    }
  }

  ofAddress(local: string): Territory | undefined {
    return this.#exact.get(local) ?? this.ofPrefix(local)
  }

  /** Whose is what begins with this, and nothing longer is known. */
  ofPrefix(prefix: string): Territory | undefined {
    for (let length = prefix.length; length >= 0; length--) {
      const found = this.#wild.get(prefix.slice(0, length))
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** The local parts that are delivered, and the beginnings of those that a default file takes. */
interface Reach {
  readonly addresses: readonly string[]
  readonly prefixes: readonly string[]
}

const byDefault = 'default'

function reachOf({ prefix, exact, dash, extension, files, mailboxes }: Territory): Reach {
  if (exact) {
    const name = dash + extension
    const isTaken = (file: string): boolean => file === name || isDefaultFor(file, dash, extension)
    return { addresses: dash === '' || files.some(isTaken) ? [prefix] : [], prefixes: [] }
  }
  const addresses: string[] = (mailboxes ?? []).map((mailbox) => prefix + mailbox)
  const prefixes: string[] = []
  for (const file of files) {
    if (!file.startsWith(dash)) continue
    const name = file.slice(dash.length)
    const beginning = defaultBeginning(name)
    if (beginning === undefined) {
      if (name.startsWith(extension)) addresses.push(prefix + name.slice(extension.length))
    } else if (mailboxes === undefined || beginning !== '') {
      if (beginning.startsWith(extension)) prefixes.push(prefix + beginning.slice(extension.length))
      else if (extension.startsWith(beginning)) prefixes.push(prefix)
    }
  }
  return { addresses, prefixes }
}

function isReached({ addresses, prefixes }: Reach, local: string): boolean {
  return addresses.includes(local) || prefixes.some((prefix) => local.startsWith(prefix))
}

/** `list-default` is for all that begins with `list-`, `default` for everything. */
function defaultBeginning(name: string): string | undefined {
  if (name === byDefault) return ''
  return name.endsWith(`-${byDefault}`) ? name.slice(0, -byDefault.length) : undefined
}

function isDefaultFor(file: string, dash: string, extension: string): boolean {
  if (!file.startsWith(dash)) return false
  const beginning = defaultBeginning(file.slice(dash.length))
  return beginning !== undefined && extension.startsWith(beginning)
}

function* keysOf(
  { domain, prefix: view }: RecipientDomain,
  reaches: readonly (Reach & { readonly territory: Territory })[],
  owners: Owners,
): Generator<readonly [key: string, valid: boolean]> {
  let catchesAll = false
  for (const { territory, addresses, prefixes } of reaches) {
    for (const address of addresses) {
      const isSeen = address.startsWith(view) && address.length > view.length
      if (isSeen && owners.ofAddress(address) === territory) {
        yield [`${address.slice(view.length)}@${domain}`, true]
      }
    }
    for (const prefix of prefixes) {
      const whole = view.startsWith(prefix)
      if (!whole && !prefix.startsWith(view)) continue
      if (owners.ofPrefix(whole ? view : prefix) !== territory) continue
      catchesAll ||= whole
      if (whole) yield [`@${domain}`, true]
      // Only what ends before a hyphen can be looked up.
      else if (prefix.endsWith('-')) yield [`${prefix.slice(view.length)}default@${domain}`, true]
    }
  }
  if (!catchesAll) return
  for (const { territory, prefixes } of reaches) {
    const { prefix, exact } = territory
    const isInside = !exact && prefix.endsWith('-') && prefix.startsWith(view) && prefix !== view
    if (isInside && !prefixes.includes(prefix)) {
      yield [`${prefix.slice(view.length)}default@${domain}`, false]
    }
  }
}
