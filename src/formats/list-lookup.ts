/**
 * What allow and block lists say of one message for one recipient. The nearest level that says anything decides: the
 * recipient's, their domain's, the host's. At one level the most exact rule of each kind speaks, and a block beats an allow.
 * An allow by sender or From counts only where somebody vouches for the domain; where nobody does, the next level is asked.
 */
import ipaddr from 'ipaddr.js'
import type { Mailbox } from '../mail/address.ts'
import { listAddress, listDomain, type ListRule, type ListSubject } from './list-rules.ts'

/** What is known. What is not known yet is left out. */
export interface ListedMail {
  readonly address: string
  /** The client's name by DNS, confirmed. */
  readonly name?: string | undefined
  /** `null`: the null path. */
  readonly sender?: Mailbox | null
  /** The mailboxes in the header From. */
  readonly from?: readonly Mailbox[]
  /** Whether SPF or DKIM vouches for a domain that is aligned with this one. */
  isProven(domain: string, by: 'sender' | 'from'): boolean
}

export interface ListRuling {
  /** `unproven`: an allow that wants a proof, and nothing else would allow it. */
  readonly says: 'allow' | 'block' | 'unproven'
  readonly rule: ListRule
  /** There is an unproven allow at a nearer level, which a proof would make decide. */
  readonly nearer?: ListRule
}

export interface SenderLists {
  /** Absent recipient: what the host's own rules say. */
  judge(mail: ListedMail, recipient?: Mailbox): ListRuling | undefined
  /** Whether a rule looks at any of these. */
  looksAt(...subjects: readonly ListSubject[]): boolean
  readonly size: number
}

export function compileLists(rules: readonly ListRule[]): SenderLists {
  const levels = new Map<string, Level>()
  const subjects = new Set<ListSubject>()
  for (const rule of rules) {
    const level = levels.get(rule.target) ?? new Level()
    levels.set(rule.target, level)
    level.add(rule)
    subjects.add(rule.by)
  }
  const isForHostOnly = levels.size === 1 && levels.has('')
  return {
    size: rules.length,
    looksAt: (...which) => which.some((subject) => subjects.has(subject)),
    judge(mail, recipient) {
      if (levels.size === 0) return undefined
      let nearer: ListRule | undefined
      for (const target of isForHostOnly ? hostOnly : targetsOf(recipient)) {
        const found = levels.get(target)?.judge(mail)
        if (found === undefined) continue
        if (found.says !== 'unproven') return nearer === undefined ? found : { ...found, nearer }
        nearer ??= found.rule
      }
      return nearer === undefined ? undefined : { says: 'unproven', rule: nearer }
    },
  }
}

const hostOnly: readonly string[] = ['']

function targetsOf(recipient: Mailbox | undefined): readonly string[] {
  if (recipient === undefined) return hostOnly
  return [listAddress(recipient), listDomain(recipient.domain), '']
}

/** The rules for one recipient, one domain, or everybody. */
class Level {
  readonly #rules = new Map<string, ListRule>()
  /** By the digits of `addressBits` that a prefix has. */
  readonly #networks = new Map<string, ListRule>()
  /** How many digits they have, most first. */
  #lengths: readonly number[] = []
  readonly #subjects = new Set<ListSubject>()
  /** A session is asked about several times. */
  #asked = { address: '', bits: '' }

  add(rule: ListRule): void {
    this.#subjects.add(rule.by)
    if (rule.by !== 'client') {
      this.#rules.set(`${rule.by} ${rule.value}`, rule)
      return
    }
    const slash = rule.value.indexOf('/')
    const length = Number(rule.value.slice(slash + 1)) + 1
    const prefix = addressBits(rule.value.slice(0, slash)).slice(0, length)
    this.#networks.set(prefix, rule)
    if (!this.#lengths.includes(length)) {
      this.#lengths = [...this.#lengths, length].toSorted((a, b) => b - a)
    }
  }

  judge(mail: ListedMail): ListRuling | undefined {
    let ruling: ListRuling | undefined
    this.#hear(mail, (rule, isProven) => {
      if (rule.word === 'block') {
        ruling = { says: 'block', rule }
        return true
      }
      const says = isProven ? 'allow' : 'unproven'
      if (ruling === undefined || (ruling.says === 'unproven' && isProven)) ruling = { says, rule }
      return false
    })
    return ruling
  }

  /** What the most exact rule of each kind says, in order; `heard` answers true where the rest does not matter. */
  #hear(mail: ListedMail, heard: (rule: ListRule, isProven: boolean) => boolean): void {
    const { address, name, sender, from = [] } = mail
    const subjects = this.#subjects
    const tell = (rule: ListRule | undefined, isProven: boolean): boolean =>
      rule !== undefined && heard(rule, isProven)
    if (subjects.has('client') && tell(this.#client(address), true)) return
    if (subjects.has('name') && name !== undefined) {
      if (tell(this.#first('name', domainSteps(listDomain(name))), true)) return
    }
    if (subjects.has('sender') && sender !== undefined) {
      const rule = this.#first('sender', sender === null ? ['<>'] : addressSteps(sender))
      if (rule !== undefined) {
        const isProven = sender !== null && mail.isProven(sender.domain, 'sender')
        if (tell(rule, isProven)) return
      }
    }
    if (!subjects.has('from')) return
    for (const author of from) {
      const rule = this.#first('from', addressSteps(author))
      // With several authors (RFC 5322 §3.6.2), one of them must not bring in the others.
      const isProven = (): boolean => from.length === 1 && mail.isProven(author.domain, 'from')
      if (rule !== undefined && tell(rule, isProven())) return
    }
  }

  #client(address: string): ListRule | undefined {
    if (address !== this.#asked.address) this.#asked = { address, bits: addressBits(address) }
    const { bits } = this.#asked
    for (const length of this.#lengths) {
      const rule = bits.length < length ? undefined : this.#networks.get(bits.slice(0, length))
      if (rule !== undefined) return rule
    }
    return undefined
  }

  #first(by: ListSubject, steps: readonly string[]): ListRule | undefined {
    for (const step of steps) {
      const rule = this.#rules.get(`${by} ${step}`)
      if (rule !== undefined) return rule
    }
    return undefined
  }
}

/** The family, `4` or `6`, then the address in binary digits; empty for what is none. */
function addressBits(address: string): string {
  const octets = address.split('.')
  if (octets.length === 4) return `4${octets.map((octet) => binary(Number(octet))).join('')}`
  if (!ipaddr.IPv6.isValid(address)) return ''
  return `6${ipaddr.IPv6.parse(address).toByteArray().map(binary).join('')}`
}

function binary(octet: number): string {
  return octet.toString(2).padStart(8, '0')
}

/** Which a rule may stand for: the mailbox, then its domain and what stands above it. */
function addressSteps(mailbox: Mailbox): readonly string[] {
  return [listAddress(mailbox), ...domainSteps(listDomain(mailbox.domain))]
}

/** `a.b.c`, `.b.c`, `.c`: the domain itself, then all below what stands above it. */
function domainSteps(domain: string): readonly string[] {
  const steps = [domain]
  for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
    steps.push(domain.slice(dot))
  }
  return steps
}
