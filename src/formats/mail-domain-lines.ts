/**
 * Domains and aliases as text, for `postern domain export` and `import`:
 *
 *     domain example.org catch-all=bounce over-quota=reject max-users=10 default-quota=100MB
 *     domain-alias example.net example.org
 *     alias sales@example.org bob@example.org carol@example.net
 *
 * Empty lines and those that begin with `#` are skipped.
 */
import { formatMailbox, parseMailbox } from '../mail/address.ts'
import { asciiDomain, isDomain } from '../mail/domain.ts'
import {
  addressKey,
  mostTargets,
  type CatchAll,
  type DomainAlias,
  type MailAlias,
  type MailDomain,
} from '../mail/mail-domain.ts'
import { formatQuota, parseQuota } from '../mail/quota.ts'
import type { LineMistake } from './line-mistake.ts'

export interface MailDomainLines {
  readonly domains: readonly MailDomain[]
  readonly domainAliases: readonly DomainAlias[]
  readonly aliases: readonly MailAlias[]
  readonly mistakes: readonly LineMistake[]
}

export function parseMailDomainLines(text: string): MailDomainLines {
  const domains: MailDomain[] = []
  const domainAliases: DomainAlias[] = []
  const aliases: MailAlias[] = []
  const mistakes: LineMistake[] = []
  for (const [index, written] of text.split('\n').entries()) {
    const line = written.trim()
    if (line === '' || line.startsWith('#')) continue
    const [kind, name = '', ...rest] = line.split(/[ \t]+/)
    if (kind === 'domain') {
      const domain = readMailDomain(name, rest)
      if (typeof domain === 'string') mistakes.push({ line: index + 1, text: line, remedy: domain })
      else domains.push(domain)
    } else if (kind === 'domain-alias') {
      const alias =
        rest.length === 1
          ? readDomainAlias(name, rest[0] ?? '')
          : 'write the alias, then the domain'
      if (typeof alias === 'string') mistakes.push({ line: index + 1, text: line, remedy: alias })
      else domainAliases.push(alias)
    } else {
      const alias =
        kind === 'alias' ? readMailAlias(name, rest) : 'begin with domain, domain-alias or alias'
      if (typeof alias === 'string') mistakes.push({ line: index + 1, text: line, remedy: alias })
      else aliases.push(alias)
    }
  }
  return { domains, domainAliases, aliases, mistakes }
}

export function formatMailDomain(domain: MailDomain): string {
  return ['domain', domain.name, ...mailDomainSettings(domain)].join(' ')
}

/** `key=value` for all that is set. */
function mailDomainSettings(domain: MailDomain): readonly string[] {
  const { catchAll, overQuota, maxUsers, maxAliases, quota, defaultQuota } = domain
  const settings: Readonly<Record<SettingName, string | undefined>> = {
    'catch-all': typeof catchAll === 'string' ? catchAll : catchAll.to,
    'over-quota': overQuota,
    'max-users': maxUsers?.toString(),
    'max-aliases': maxAliases?.toString(),
    quota: quota && formatQuota(quota),
    'default-quota': defaultQuota && formatQuota(defaultQuota),
  }
  return Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
}

export function formatDomainAlias({ name, domain }: DomainAlias): string {
  return ['domain-alias', name, domain].join(' ')
}

export function formatMailAlias({ address, targets }: MailAlias): string {
  return ['alias', address, ...targets].join(' ')
}

/** @returns the alias, or what to write instead */
export function readDomainAlias(name: string, domain: string): DomainAlias | string {
  const wrong = [name, domain].find((each) => nameOf(each) === undefined)
  if (wrong !== undefined) return `${wrong} is no domain`
  const alias = { name: nameOf(name) ?? '', domain: nameOf(domain) ?? '' }
  return alias.name === alias.domain ? `${alias.name} would mean itself` : alias
}

/** As domains are named: lower case, A-labels. */
function nameOf(text: string): string | undefined {
  const name = isDomain(text, { smtputf8: true }) ? asciiDomain(text).toLowerCase() : ''
  return name === '' ? undefined : name
}

/**
 * @param words `key=value` each; nothing behind the equals sign sets it back
 * @param before what is changed; a domain that bounces what nobody has, where nothing is given
 * @returns the domain, or what to write instead
 */
export function readMailDomain(
  name: string,
  words: readonly string[],
  before?: MailDomain,
): MailDomain | string {
  const key = nameOf(name)
  if (key === undefined) return `${name} is no domain`
  let domain: MailDomain = before ?? {
    name: key,
    catchAll: 'bounce',
    overQuota: 'reject',
  }
  for (const word of words) {
    const [, key, value] = /^([a-z-]+)=(.*)$/s.exec(word) ?? []
    const set = settingNames.find((each) => each === key)
    const changed = set === undefined ? undefined : setTo(domain, set, value ?? '')
    if (changed === undefined) return `${word}: ${settingsRemedy}`
    domain = changed
  }
  return domain
}

const settingNames = [
  'catch-all',
  'over-quota',
  'max-users',
  'max-aliases',
  'quota',
  'default-quota',
] as const
type SettingName = (typeof settingNames)[number]

export const settingsRemedy =
  'write catch-all=bounce, delete or an address; over-quota=reject or defer; max-users=, max-aliases=; quota=, default-quota=100MB'

function setTo(domain: MailDomain, name: SettingName, value: string): MailDomain | undefined {
  switch (name) {
    case 'catch-all': {
      const catchAll = value === '' ? 'bounce' : catchAllOf(value)
      return catchAll && { ...domain, catchAll }
    }
    case 'over-quota':
      if (value === '' || value === 'reject') return { ...domain, overQuota: 'reject' }
      return value === 'defer' ? { ...domain, overQuota: 'defer' } : undefined
    case 'max-users': {
      const { maxUsers: _, ...rest } = domain
      return withValue(rest, value, (maxUsers) => ({ maxUsers }), countIn)
    }
    case 'max-aliases': {
      const { maxAliases: _, ...rest } = domain
      return withValue(rest, value, (maxAliases) => ({ maxAliases }), countIn)
    }
    case 'quota': {
      const { quota: _, ...rest } = domain
      return withValue(rest, value, (quota) => ({ quota }), parseQuota)
    }
    case 'default-quota': {
      const { defaultQuota: _, ...rest } = domain
      return withValue(rest, value, (defaultQuota) => ({ defaultQuota }), parseQuota)
    }
  }
}

/** The rest alone where the value is empty, undefined where it cannot be read. */
function withValue<T>(
  rest: MailDomain,
  value: string,
  part: (read: T) => Partial<MailDomain>,
  read: (text: string) => T | undefined,
): MailDomain | undefined {
  if (value === '') return rest
  const found = read(value)
  return found === undefined ? undefined : { ...rest, ...part(found) }
}

function countIn(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function catchAllOf(value: string): CatchAll | undefined {
  if (value === 'bounce' || value === 'delete') return value
  const to = addressIn(value)
  return to === undefined ? undefined : { to }
}

/** @returns the alias, or what to write instead */
export function readMailAlias(address: string, targets: readonly string[]): MailAlias | string {
  const mailbox = parseMailbox(address, { smtputf8: true })
  if (mailbox === undefined || /\s/.test(address)) return `${address} is no address`
  if (targets.length === 0) return 'write the addresses that its mail goes to behind it'
  if (targets.length > mostTargets) return `write at most ${mostTargets} addresses`
  const wrong = targets.find((target) => addressIn(target) === undefined)
  if (wrong !== undefined) return `${wrong} is no address`
  const to = targets.flatMap((target) => addressIn(target) ?? [])
  return { address: addressKey(mailbox), targets: [...new Set(to)] }
}

/** As it goes into an envelope; one with blanks would not come back from a line. */
function addressIn(text: string): string | undefined {
  const mailbox = parseMailbox(text, { smtputf8: true })
  return mailbox === undefined || /\s/.test(text) ? undefined : formatMailbox(mailbox)
}
