/**
 * Takes a vpopmail over into accounts.db: domains with their limits and catch-alls, users with their hashes and quotas,
 * aliases and forwards. What has no counterpart here is told, never guessed. Doing it again changes what has changed.
 */
import { authRecordRemedy } from '../formats/auth-cdb.ts'
import type { Instruction } from '../formats/dot-qmail.ts'
import { readDomainAlias, readMailAlias, readMailDomain } from '../formats/mail-domain-lines.ts'
import { isDovecotDeliver, parseVdelivermail, targetOf } from '../formats/vpopmail/vdelivermail.ts'
import { vpopmailBits, type VpopmailUser } from '../formats/vpopmail/vpasswd.ts'
import { parseMailbox } from '../mail/address.ts'
import type { CatchAll, DomainAlias, MailAlias, MailDomain } from '../mail/mail-domain.ts'
import { quotaOf } from '../runtime/find-address.ts'
import {
  isAccountName,
  type Account,
  type AccountFlag,
  type Accounts,
} from '../runtime/accounts.ts'
import type { Vpopmail, VpopmailDomain } from './read-vpopmail.ts'

export interface PlannedImport {
  readonly domains: readonly MailDomain[]
  readonly users: readonly Account[]
  readonly domainAliases: readonly DomainAlias[]
  readonly aliases: readonly MailAlias[]
  /** What was left out, and why. */
  readonly doubts: readonly string[]
}

/** Pure: what would be taken over. */
export function planImport({ domains, aliases, doubts }: Vpopmail): PlannedImport {
  const plan = new Plan(doubts)
  for (const domain of domains.values()) plan.take(domain)
  for (const [name, domain] of aliases) plan.takeOtherName(name, domain)
  return plan
}

/** In place of equal names. A user whose hash is the one that is there keeps the keys for SCRAM. */
export async function carryOut(
  accounts: Accounts,
  { domains, domainAliases, users, aliases }: PlannedImport,
  told: (done: number, all: number) => void = () => undefined,
): Promise<void> {
  // oxlint-disable no-await-in-loop -- one after the other: each is a write of its own
  for (const domain of domains) await accounts.putDomain(domain)
  for (const alias of domainAliases) await accounts.putDomainAlias(alias)
  for (const [index, user] of users.entries()) {
    told(index, users.length)
    const before = await accounts.find(user.user)
    const isSame = before?.passwordHash === user.passwordHash
    const scram = isSame && before.scram !== undefined ? { scram: before.scram } : {}
    const account = { ...user, ...scram, variables: before?.variables ?? user.variables }
    if (before === undefined) await accounts.add(account)
    else await accounts.change(account)
  }
  for (const alias of aliases) await accounts.putAlias(alias)
  // oxlint-enable no-await-in-loop
}

class Plan implements PlannedImport {
  readonly domains: MailDomain[] = []
  readonly users: Account[] = []
  readonly domainAliases: DomainAlias[] = []
  readonly aliases: MailAlias[] = []
  readonly doubts: string[]

  constructor(doubts: readonly string[]) {
    this.doubts = [...doubts]
  }

  take(domain: VpopmailDomain): void {
    const made = readMailDomain(domain.name, [])
    if (typeof made === 'string') {
      this.doubts.push(made)
      return
    }
    const ours = { ...made, ...domain.limits, catchAll: this.#catchAllOf(domain) }
    this.domains.push(ours)
    this.#tellBans(`${ours.name}: nobody may`, domain.disabled)
    const before = this.users.length
    for (const user of domain.users.values()) this.#takeUser(user, domain)
    const [unlimited] = this.users
      .slice(before)
      .filter((user) => quotaOf(user, ours).bytes === undefined)
    if (ours.quota?.bytes !== undefined && unlimited !== undefined) {
      const why = `has a quota, and users without one of their own, such as ${unlimited.user}`
      this.doubts.push(`${ours.name}: ${why}: here nobody can be added until each has one`)
    }
    for (const [name, lines] of domain.lines) this.#takeLines(`${name}@${domain.name}`, lines)
  }

  takeOtherName(name: string, domain: string): void {
    const alias = readDomainAlias(name, domain)
    if (typeof alias === 'string') this.doubts.push(alias)
    else if (!this.domains.some((each) => each.name === alias.domain)) {
      this.doubts.push(`${name}: means ${domain}, which is no domain there`)
    } else if (this.domains.some((each) => each.name === alias.name)) {
      this.doubts.push(`${name}: means ${domain}, but is a domain of its own too`)
    } else this.domainAliases.push(alias)
  }

  #catchAllOf({ name, catchAll: lines }: VpopmailDomain): CatchAll {
    if (lines === undefined) return 'bounce'
    const [first] = lines
    if (first === undefined) return 'delete'
    const known =
      first.do === 'program' ? parseVdelivermail(first.command) : addressOf(first, `@${name}`)
    if (lines.length === 1 && known !== undefined && isUsable(known)) return known
    this.doubts.push(`${name}: .qmail-default has no counterpart here; unknown addresses bounce`)
    return 'bounce'
  }

  #takeUser(user: VpopmailUser, { name: domain, disabled }: VpopmailDomain): void {
    const address = `${user.name}@${domain}`
    const { hash: passwordHash, quota } = user
    const bits = (user.bits & vpopmailBits.override) === 0 ? user.bits | disabled : user.bits
    if (!isAccountName(address) || parseMailbox(address, { smtputf8: true }) === undefined) {
      this.doubts.push(`${address}: is no address; the user is left out`)
      return
    }
    const remedy = authRecordRemedy({ hash: passwordHash, variables: new Map() })
    if (remedy !== undefined) this.doubts.push(`${address}: nobody can log in: ${remedy}`)
    this.#tellBans(`${address}: may not`, user.bits & ~disabled)
    const flags = flagsOf(bits)
    this.users.push({
      user: address,
      passwordHash,
      variables: new Map(),
      ...(quota === undefined ? {} : { quota }),
      ...(flags.size === 0 ? {} : { flags }),
    })
  }

  /** Of those that no flag of an account stands for. */
  #tellBans(whoMayNot: string, bits: number): void {
    for (const [bit, what] of otherBans) {
      if ((bits & bit) !== 0) this.doubts.push(`${whoMayNot} ${what}`)
    }
  }

  #takeLines(address: string, lines: readonly Instruction[]): void {
    const [, prefix] = /^(.*-)default@/s.exec(address) ?? []
    if (prefix !== undefined) {
      this.doubts.push(`${address}: is for ${prefix}ANYTHING there, here for that one address`)
    }
    if (lines.length === 0) {
      this.doubts.push(`${address}: its mail is thrown away there; nothing here does that`)
      return
    }
    const targets: string[] = []
    for (const line of lines) {
      const target = targetOf(line, address)
      if (line.do === 'program' && isDovecotDeliver(line.command)) {
        this.doubts.push(
          `${address}: Dovecot stores it there, and may run Sieve; here nothing runs it`,
        )
      }
      if (target !== undefined) targets.push(target)
      else if (line.do !== 'forward-only') {
        this.doubts.push(`${address}: the line "${textOf(line)}" has no counterpart here`)
      }
    }
    // A mailbox that is nothing else than that needs no alias.
    if (targets.every((target) => target.toLowerCase() === address)) return
    const alias = readMailAlias(address, targets)
    if (typeof alias === 'string') this.doubts.push(`${address}: left out: ${alias}`)
    else this.aliases.push(alias)
  }
}

function addressOf(line: Instruction, own: string): CatchAll | undefined {
  const to = targetOf(line, own)
  return to === undefined || to === own ? undefined : { to }
}

function isUsable(catchAll: CatchAll): boolean {
  return typeof catchAll === 'string' || parseMailbox(catchAll.to) !== undefined
}

function flagsOf(bits: number): ReadonlySet<AccountFlag> {
  const known = [
    [vpopmailBits.noPop, 'no-pop'],
    [vpopmailBits.noMail, 'no-mail'],
    [vpopmailBits.noSmtp, 'no-smtp'],
  ] as const
  return new Set(known.flatMap(([bit, flag]) => ((bits & bit) === 0 ? [] : [flag])))
}

const otherBans = [
  [vpopmailBits.noRelay, 'relay there; here every login may'],
  [vpopmailBits.noImap, 'use IMAP there; here the IMAP server decides: forbid it there'],
  [vpopmailBits.noWebmail, 'use webmail there; here the webmail decides: forbid it there'],
] as const

function textOf(line: Instruction): string {
  switch (line.do) {
    case 'program':
      return `|${line.command}`
    case 'forward':
      return line.address
    case 'mbox':
    case 'maildir':
      return line.path
    case 'forward-only':
      return '+list'
  }
}
