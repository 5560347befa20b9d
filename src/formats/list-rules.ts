/**
 * Allow and block lists as text: one rule a line, in the words of `postern list add`.
 *
 *     allow client 192.0.2.0/24
 *     block sender @spam.example for example.org
 *     allow from news@shop.example for bob@example.org  # he wants it
 *
 * A rule without `for` holds for the whole host, one with it for a domain or a recipient of ours. Case does not count.
 */
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import { clientNetwork } from '../mail/client-network.ts'
import { asciiDomain, isDomain } from '../mail/domain.ts'
import type { LineMistake } from './line-mistake.ts'

export const listWords = ['allow', 'block'] as const
/** What a rule looks at: the client's network, its name by DNS, the reverse-path, the header From. */
export const listSubjects = ['client', 'name', 'sender', 'from'] as const
export type ListWord = (typeof listWords)[number]
export type ListSubject = (typeof listSubjects)[number]

export interface ListRule {
  readonly word: ListWord
  readonly by: ListSubject
  /** In one spelling: `192.0.2.0/24`; `mx.example`, `.example`; `a@example`, `example`, `.example`, `<>`. */
  readonly value: string
  /** A recipient, a domain, or empty for everybody. */
  readonly target: string
  /** Where it stands in its file, from 1. */
  readonly line: number
}

export interface ReadRules {
  readonly rules: readonly ListRule[]
  readonly mistakes: readonly LineMistake[]
}

const lineForm = 'write allow or block; client, name, sender or from; what; for whom, as in: '
const lineExample = 'block sender @spam.example for example.org'

export function parseListRules(bytes: Uint8Array | undefined): ReadRules {
  const rules = new Map<string, ListRule>()
  const mistakes: LineMistake[] = []
  const lines = bytes === undefined ? [] : new TextDecoder().decode(bytes).split('\n')
  for (const [index, text] of lines.entries()) {
    const words = wordsOf(text)
    if (words.length === 0) continue
    const read = readRule(words, index + 1)
    const before = typeof read === 'string' ? undefined : rules.get(subjectKey(read))
    if (typeof read === 'string') {
      mistakes.push({ line: index + 1, text: text.trim(), remedy: read })
    } else if (before !== undefined && before.word !== read.word) {
      const remedy = `line ${before.line} says the opposite: take one of them away`
      mistakes.push({ line: index + 1, text: text.trim(), remedy })
    } else if (before === undefined) rules.set(subjectKey(read), read)
  }
  return { rules: [...rules.values()], mistakes }
}

/** @returns the rule in one spelling, or what would be right */
export function readRule(words: readonly string[], line = 0): ListRule | string {
  const [first = '', second = '', given = '', preposition, whom = '', ...rest] = words.map((word) =>
    word.toLowerCase(),
  )
  const word = listWords.find((each) => each === first)
  const by = listSubjects.find((each) => each === second)
  const whole =
    given !== '' && (preposition === undefined || (preposition === 'for' && whom !== ''))
  if (word === undefined || by === undefined || !whole || rest.length > 0) {
    return lineForm + lineExample
  }
  const value = valueOf(by, given)
  if (value === undefined) return remedies[by]
  if (word === 'allow' && value === '<>') return 'nobody can prove to be <>: it can only be blocked'
  const target = targetOf(whom)
  if (target === undefined) return 'write a recipient or a domain behind "for"'
  return { word, by, value, target, line }
}

/** The line that stands for a rule. */
export function formatListRule({ word, by, value, target }: ListRule): string {
  const written = (by === 'sender' || by === 'from') && isDomain(value) ? `@${value}` : value
  return `${word} ${by} ${written}${target === '' ? '' : ` for ${target}`}`
}

/** The text with the rule as its last line; unchanged where it has it. */
export function withListRule(text: string, rule: ListRule, note = ''): string {
  if (linesOf(text).some((line) => sameRule(line, rule))) return text
  const end = text === '' || text.endsWith('\n') ? '' : '\n'
  const comment = note === '' ? '' : `  # ${note.replace(/[\p{Cc}]+/gu, ' ')}`
  return `${text}${end}${formatListRule(rule)}${comment}\n`
}

/** The text without the lines that say the same as the rule; comments and all else stay as they are. */
export function withoutListRule(text: string, rule: ListRule): string {
  const lines = text.split('\n')
  const kept = lines.filter((line) => !sameRule(line, rule))
  return kept.length === lines.length ? text : kept.join('\n')
}

function linesOf(text: string): readonly string[] {
  return text.split('\n')
}

function sameRule(line: string, rule: ListRule): boolean {
  const read = readRule(wordsOf(line))
  return (
    typeof read !== 'string' && read.word === rule.word && subjectKey(read) === subjectKey(rule)
  )
}

/** A `#` at the beginning of a word begins a comment: a local-part may hold one. */
function wordsOf(text: string): readonly string[] {
  const words = text.trim().split(/\s+/)
  const comment = words.findIndex((word) => word.startsWith('#'))
  return (comment < 0 ? words : words.slice(0, comment)).filter((word) => word !== '')
}

function subjectKey({ by, value, target }: ListRule): string {
  return `${by} ${value} ${target}`
}

const remedies: { readonly [S in ListSubject]: string } = {
  client: 'write an address or a network, such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32',
  name: 'write a host name, such as mx.example.org, or .example.org for all below it',
  sender: 'write an address, @domain, .domain for all below it, or <>',
  from: 'write an address, @domain, or .domain for all below it',
}

function valueOf(by: ListSubject, text: string): string | undefined {
  switch (by) {
    case 'client':
      return networkOf(text)
    case 'name':
      return domainOrBelow(text)
    case 'sender':
      return text === '<>' ? text : addressOrDomain(text)
    case 'from':
      return addressOrDomain(text)
  }
}

function networkOf(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.split('/')
  if (rest.length > 0 || address.includes('%')) return undefined
  const most = address.includes(':') ? 128 : 32
  if (bits !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(bits)) return undefined
  const prefix = bits === undefined ? most : Number(bits)
  return prefix > most ? undefined : clientNetwork(address, { ipv4: prefix, ipv6: prefix })
}

function addressOrDomain(text: string): string | undefined {
  const at = text.lastIndexOf('@')
  // A word without a dot is a local-part, or a slip, more often than a domain.
  if (at < 0) return text.includes('.') ? domainOrBelow(text) : undefined
  return at === 0 ? domainOrBelow(text.slice(1)) : addressOf(text)
}

function domainOrBelow(text: string): string | undefined {
  const below = text.startsWith('.')
  const domain = domainOf(below ? text.slice(1) : text)
  return domain === undefined ? undefined : `${below ? '.' : ''}${domain}`
}

function domainOf(text: string): string | undefined {
  return isDomain(text, { smtputf8: true }) ? listDomain(text) : undefined
}

function addressOf(text: string): string | undefined {
  const mailbox = parseMailbox(text, { smtputf8: true, barePostmaster: true })
  return mailbox === undefined ? undefined : listAddress(mailbox)
}

function targetOf(text: string): string | undefined {
  if (text === '') return ''
  if (text.startsWith('@')) return domainOf(text.slice(1))
  return text.includes('@') || text === 'postmaster' ? addressOf(text) : domainOf(text)
}

/** A domain as lists write it: in lower case, with A-labels. */
export function listDomain(domain: string): string {
  const lower = domain.toLowerCase()
  return asciiDomain(lower) || lower
}

/** An address as lists write it. */
export function listAddress({ localPart, domain }: Mailbox): string {
  const local = localPart.toLowerCase()
  return domain === '' ? local : `${local}@${listDomain(domain)}`
}
