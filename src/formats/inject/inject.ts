/**
 * What qmail-inject makes of a message that somebody wrote: complete addresses, the fields that are missing, an envelope.
 * Pure: text is one character for each byte, with LF line ends.
 */
import type { Instant } from '../../mail/instant.ts'
import { formatDate } from '../../mail/trace-fields.ts'
import { lowerAscii } from '../octets.ts'
import { quoteAddress } from '../qmail-address.ts'
import { readAddressList, type AddressList } from './address-list.ts'
import { authorField, authorOf, envelopeAuthorOf, senderField, type Variables } from './author.ts'
import { readMessage, type WrittenField } from './header-lines.ts'
import { qualify, qualifyArgument, type Qualifiers } from './qualify.ts'
import { formatTokens, parseTokens, unquoted, type Token } from './tokens.ts'

export interface InjectSettings extends Qualifiers {
  readonly idHost: string
  /** `either`: the arguments where there are some, else the header. */
  readonly recipientsFrom: 'either' | 'arguments' | 'header' | 'both'
  readonly recipients: readonly string[]
  /** Beats whatever else says who sends it. */
  readonly sender?: string
  readonly variables: Variables
  /** Addresses of lists (QMAILMFTFILE), in lower case. */
  readonly lists?: ReadonlySet<string>
  readonly now: Instant
  readonly pid: number
}

export interface Injected {
  readonly ok: true
  readonly message: string
  readonly sender: string
  readonly recipients: readonly string[]
}

/** `problem`: what cannot be read, in qmail-inject's words. */
export type Injection = Injected | { readonly ok: false; readonly problem: string }

export function inject(text: string, settings: InjectSettings): Injection {
  return new Injector(settings).inject(text)
}

const resentFields = ['sender', 'from', 'reply-to', 'to', 'cc', 'bcc', 'date', 'message-id']
const isResentField: ReadonlySet<string> = new Set(resentFields.map((name) => `resent-${name}`))
const recipientFields: ReadonlySet<string> = new Set(['to', 'cc', 'bcc', 'apparently-to'])
const resentRecipientFields: ReadonlySet<string> = new Set(['resent-to', 'resent-cc', 'resent-bcc'])
/** Of which the addresses are completed, and which must be readable. */
const authorFields: ReadonlySet<string> = new Set([
  'sender',
  'from',
  'reply-to',
  'return-receipt-to',
  'errors-to',
  'resent-sender',
  'resent-from',
  'resent-reply-to',
])
const removedFields: ReadonlySet<string> = new Set([
  'bcc',
  'resent-bcc',
  'return-path',
  'content-length',
])

class Injector {
  readonly #settings: InjectSettings
  readonly #letters: string
  readonly #seen = new Set<string>()
  readonly #kept: string[] = []
  /** From To, Cc, …, and from Resent-To, …: which of them count is known at the end. */
  readonly #recipients: string[] = []
  readonly #resentRecipients: string[] = []
  /** Of To and Cc, the last that was found first. */
  readonly #correspondents: string[] = []
  /** What was found first: the last address of the first field that has one. */
  #returnPath: readonly Token[] | undefined

  constructor(settings: InjectSettings) {
    this.#settings = settings
    this.#letters = settings.variables.get('QMAILINJECT') ?? ''
  }

  inject(text: string): Injection {
    try {
      this.#checkQualifiers()
      const given = this.#givenRecipients()
      const givenSender = this.#givenSender()
      const { fields, rest } = readMessage(text)
      for (const field of fields) this.#take(field)
      const header = [...this.#added(), ...this.#kept].join('')
      const sender = givenSender ?? this.#sender()
      const recipients = this.#allRecipients(given)
      // qmail-inject ends an address there, and the mail goes to somebody else.
      const unspeakable = [sender, ...recipients].find((each) => each.includes('\0'))
      if (unspeakable !== undefined) throw new Unreadable(`address: ${unspeakable}\n`)
      return { ok: true, message: header + rest, sender, recipients }
    } catch (error) {
      if (error instanceof Unreadable) return { ok: false, problem: error.message }
      throw error
    }
  }

  /** What is put into addresses makes sense by itself. @throws Unreadable */
  #checkQualifiers(): void {
    const { defaultDomain, defaultHost, plusDomain } = this.#settings
    for (const part of [`.${defaultDomain}`, `@${defaultHost}`, `.${plusDomain}`]) {
      if (parseTokens(part) === undefined) throw new Unreadable(`this line:\n${part}`)
    }
  }

  /** @throws Unreadable */
  #take(field: WrittenField): void {
    const { name } = field
    if (this.#isUnwanted(name)) return
    this.#seen.add(name)
    const text = this.#rewritten(field)
    if (!removedFields.has(name)) this.#kept.push(text)
  }

  #isUnwanted(name: string): boolean {
    switch (name) {
      case 'from':
        return this.#letters.includes('f')
      case 'message-id':
        return this.#letters.includes('i')
      case 'return-path':
        return this.#letters.includes('s')
      default:
        return false
    }
  }

  /** What names recipients may make no sense, and stays as it is. @throws Unreadable for everything else */
  #rewritten(field: WrittenField): string {
    const { name, shownName, value, text } = field
    const ofRecipients = recipientFields.has(name) || resentRecipientFields.has(name)
    if (!ofRecipients && !authorFields.has(name) && name !== 'return-path') return text
    // A backslash takes the line end with it, too.
    const list = this.#complete(`${value}\n`)
    this.#note(name, list?.addresses ?? [])
    if (list?.tokens !== undefined) return fieldText(shownName, list.tokens)
    if (ofRecipients) return text
    throw new Unreadable(`this line:\n${text}`)
  }

  #complete(value: string): AddressList | undefined {
    const tokens = parseTokens(value)
    return tokens && readAddressList(tokens, (each) => qualify(each, this.#settings))
  }

  #note(name: string, addresses: readonly (readonly Token[])[]): void {
    if (name === 'return-path') this.#returnPath ??= addresses[0]
    if (recipientFields.has(name)) this.#recipients.push(...addresses.map(unquoted))
    if (resentRecipientFields.has(name)) this.#resentRecipients.push(...addresses.map(unquoted))
    if (name === 'to' || name === 'cc') this.#correspondents.push(...addresses.map(unquoted))
  }

  get #isResent(): boolean {
    return [...this.#seen].some((name) => isResentField.has(name))
  }

  #added(): readonly string[] {
    const prefix = this.#isResent ? 'Resent-' : ''
    const has = (name: string): boolean => this.#seen.has(prefix.toLowerCase() + name)
    const added: string[] = []
    if (!has('date')) added.push(`${prefix}Date: ${this.#date()}\n`)
    if (!has('message-id')) added.push(`${prefix}Message-ID: ${this.#messageId()}\n`)
    if (!has('from')) added.push(prefix + this.#from())
    if (!has('to') && !has('cc')) added.push(`${prefix}Cc: recipient list not shown: ;\n`)
    if (prefix === '' && !has('mail-followup-to')) added.push(...this.#followupTo())
    return added
  }

  /** As qmail wrote it: without the day of the week, and in UTC. */
  #date(): string {
    return formatDate(this.#settings.now)
      .replace(/^\w+, 0?/, '')
      .replace(/\+0000$/, '-0000')
  }

  #messageId(): string {
    const { now, pid, idHost } = this.#settings
    const stamp = new Date(now).toISOString().replace(/\D/g, '').slice(0, 14)
    return `<${stamp}.${pid}.qmail@${idHost}>`
  }

  /** @throws Unreadable */
  #from(): string {
    const author = authorOf(this.#settings.variables)
    const said = authorField(author, { asComment: this.#letters.includes('c') })
    return fieldText('From', this.#read('From', said).tokens)
  }

  /** What the environment says is read as if somebody had written it into a field. @throws Unreadable */
  #read(name: string, said: readonly Token[]): CompleteList {
    const text = fieldText(name, said)
    const { tokens, addresses = [] } = this.#complete(text.slice(name.length + 1)) ?? {}
    if (tokens === undefined) throw new Unreadable(`this line:\n${text}`)
    return { tokens, addresses }
  }

  /** Where the message goes to a list: so that whoever answers writes to the list and to those who may not be on it. */
  #followupTo(): readonly string[] {
    const { lists = new Set() } = this.#settings
    const goesToList = this.#correspondents.some((each) => lists.has(lowerAscii(each)))
    if (!goesToList) return []
    const all = this.#correspondents.toReversed().map(quoteAddress)
    return [`Mail-Followup-To: ${all.join(',\n  ')}\n`]
  }

  /** Who says it on the command line means just that. @throws Unreadable */
  #givenSender(): string | undefined {
    const { sender } = this.#settings
    if (sender === undefined) return undefined
    const address = qualifyArgument(sender, this.#settings)
    if (address === undefined) throw new Unreadable(`this line:\n${quoteAddress(sender)}`)
    return unquoted(address)
  }

  /** @throws Unreadable */
  #sender(): string {
    const address = this.#returnPath ?? this.#defaultSender()
    return unquoted(address) + (this.#isVerp ? '-@[]' : '')
  }

  get #isVerp(): boolean {
    return this.#letters.includes('r')
  }

  /** @throws Unreadable */
  #defaultSender(): readonly Token[] {
    const { variables, now, pid } = this.#settings
    const author = envelopeAuthorOf(variables)
    const perMessage = this.#letters.includes('m') ? `-${Math.floor(now / 1000)}.${pid}` : ''
    const user = author.user + perMessage + (this.#isVerp ? '-' : '')
    const [address] = this.#read('Return-Path', senderField({ ...author, user })).addresses
    return address ?? []
  }

  /** Of the command line, where these count. @throws Unreadable */
  #givenRecipients(): readonly string[] {
    const { recipientsFrom, recipients } = this.#settings
    if (recipientsFrom === 'header') return []
    return recipients.map((each) => {
      const address = qualifyArgument(each, this.#settings)
      if (address === undefined) throw new Unreadable(`address: ${each}\n`)
      return unquoted(address)
    })
  }

  #allRecipients(given: readonly string[]): readonly string[] {
    const { recipientsFrom } = this.#settings
    const ofArgumentsOnly =
      recipientsFrom === 'arguments' || (recipientsFrom === 'either' && given.length > 0)
    if (ofArgumentsOnly) return given
    return [...given, ...(this.#isResent ? this.#resentRecipients : this.#recipients)]
  }
}

interface CompleteList extends AddressList {
  readonly tokens: readonly Token[]
}

/** Somebody wrote what has no meaning; what, stands in its message. */
class Unreadable extends Error {
  constructor(what: string) {
    super(`unable to parse ${what}`)
  }
}

function fieldText(name: string, tokens: readonly Token[]): string {
  return `${formatTokens([{ type: 'atom', text: name }, { type: 'colon' }, ...tokens])}\n`
}
