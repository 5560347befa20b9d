/**
 * What qmail-inject makes of a message that somebody wrote: complete addresses, the fields that are missing, an envelope.
 * Pure: text is one character for each byte, with LF line ends.
 */
import type { Instant } from '../../mail/instant.ts'
import { formatDate } from '../../mail/trace-fields.ts'
import { readAddressList } from './address-list.ts'
import { addressOf, authorOf, envelopeAuthorOf, type Variables } from './author.ts'
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

/** `field`: what can not be read, as it was written. */
export type Injection = Injected | { readonly ok: false; readonly field: string }

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
  readonly #correspondents: (readonly Token[])[] = []
  #returnPath: readonly Token[] | undefined

  constructor(settings: InjectSettings) {
    this.#settings = settings
    this.#letters = settings.variables.get('QMAILINJECT') ?? ''
  }

  inject(text: string): Injection {
    const { fields, rest } = readMessage(text)
    for (const field of fields) {
      if (!this.#take(field)) return { ok: false, field: field.text }
    }
    const header = [...this.#added(), ...this.#kept].join('')
    return {
      ok: true,
      message: header + rest,
      sender: this.#sender(),
      recipients: this.#allRecipients(),
    }
  }

  /** @returns whether it can be read */
  #take(field: WrittenField): boolean {
    const { name } = field
    if (this.#isUnwanted(name)) return true
    this.#seen.add(name)
    const { text, readable } = this.#rewritten(field)
    if (!removedFields.has(name)) this.#kept.push(text)
    return readable
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

  #rewritten(field: WrittenField): { readonly text: string; readonly readable: boolean } {
    const { name, text } = field
    const ofRecipients = recipientFields.has(name) || resentRecipientFields.has(name)
    if (!ofRecipients && !authorFields.has(name) && name !== 'return-path') {
      return { text, readable: true }
    }
    const parsed = parseTokens(field.value)
    if (parsed === undefined) return { text, readable: ofRecipients }
    const { tokens, addresses } = readAddressList(parsed, (each) => qualify(each, this.#settings))
    this.#note(name, addresses)
    if (tokens === undefined) return { text, readable: ofRecipients }
    const head: readonly Token[] = [{ type: 'atom', text: field.shownName }, { type: 'colon' }]
    return { text: `${formatTokens([...head, ...tokens])}\n`, readable: true }
  }

  #note(name: string, addresses: readonly (readonly Token[])[]): void {
    if (name === 'return-path') this.#returnPath = addresses.at(-1)
    if (recipientFields.has(name)) this.#recipients.push(...addresses.map(unquoted))
    if (resentRecipientFields.has(name)) this.#resentRecipients.push(...addresses.map(unquoted))
    if (name === 'to' || name === 'cc') this.#correspondents.push(...addresses)
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
    if (!has('from')) added.push(`${formatTokens(this.#from(`${prefix}From`))}\n`)
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

  #from(name: string): readonly Token[] {
    const author = authorOf(this.#settings.variables)
    const address = qualify(addressOf(author), this.#settings)
    const head: readonly Token[] = [{ type: 'atom', text: name }, { type: 'colon' }]
    if (author.name === undefined) return [...head, ...address]
    if (this.#letters.includes('c')) {
      return [...head, ...address, { type: 'comment', text: author.name }]
    }
    const phrase: Token = { type: 'quoted', text: author.name }
    return [...head, phrase, { type: 'left' }, ...address, { type: 'right' }]
  }

  /** Where the message goes to a list: so that whoever answers writes to the list and to those who may not be on it. */
  #followupTo(): readonly string[] {
    const { lists = new Set() } = this.#settings
    const goesToList = this.#correspondents.some((each) => lists.has(unquoted(each).toLowerCase()))
    if (!goesToList) return []
    const all = this.#correspondents.toReversed().map((each) => formatTokens(each))
    return [`Mail-Followup-To: ${all.join(',\n  ')}\n`]
  }

  #sender(): string {
    const { sender } = this.#settings
    const verp = this.#letters.includes('r')
    const address =
      sender === undefined
        ? (this.#returnPath ?? this.#defaultSender(verp))
        : qualifyArgument(sender, this.#settings)
    return unquoted(address) + (verp ? '-@[]' : '')
  }

  #defaultSender(verp: boolean): readonly Token[] {
    const { variables, now, pid } = this.#settings
    const author = envelopeAuthorOf(variables)
    const perMessage = this.#letters.includes('m') ? `-${Math.floor(now / 1000)}.${pid}` : ''
    const user = author.user + perMessage + (verp ? '-' : '')
    return qualify(addressOf({ ...author, user }), this.#settings)
  }

  #allRecipients(): readonly string[] {
    const { recipientsFrom, recipients } = this.#settings
    const given = recipients.map((each) => unquoted(qualifyArgument(each, this.#settings)))
    const found = this.#isResent ? this.#resentRecipients : this.#recipients
    switch (recipientsFrom) {
      case 'arguments':
        return given
      case 'header':
        return found
      case 'both':
        return [...given, ...found]
      case 'either':
        return given.length > 0 ? given : found
    }
  }
}
