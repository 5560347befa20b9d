/** The quarantine as the API shows and steers it, for operators, administrators of domains, and recipients. */
import type { Download, QuarantineOperations } from '../../admin/operations.ts'
import type { Scope } from '../../admin/permissions.ts'
import { Refusal } from '../../admin/refusal.ts'
import type {
  HeldDetails,
  HeldItem,
  HeldPage,
  QuarantineActionRequest,
  QuarantineActionResult,
  QuarantineQuery,
} from '../../admin/schemas/quarantine.ts'
import { isWithin } from '../../admin/scope.ts'
import type { Configuration } from '../../config/configuration.ts'
import { formatListRule, readRule } from '../../formats/list-rules.ts'
import type { Search } from '../../quarantine/search.ts'
import { formatMailbox, parseMailbox, type Mailbox } from '../../mail/address.ts'
import { accountKey } from '../../runtime/accounts.ts'
import { bytesOf, withQueued } from '../read-spool.ts'
import { editLists } from '../sender-lists.ts'
import { steerQuarantine, type HeldMessage } from '../steer-quarantine.ts'
import type { LeadingAliases } from './mailbox-aliases.ts'
import { safePreview } from './safe-preview.ts'

const usualPage = 50
/** What the gateway answers at most. */
const mostFound = 2_000
/** Questions for one page; beyond it all is asked for, and what is others' is left out. */
const mostSearches = 10

export type AliasesOf = (address: string) => Promise<LeadingAliases>

interface Reach {
  readonly sees: Scope
  readonly changes: Scope
}
type Held = readonly HeldMessage[]

export class HeldMail implements QuarantineOperations {
  readonly #folder: string
  readonly #current: () => Configuration
  readonly #aliases: AliasesOf

  /** @param aliases those that lead to a mailbox: their mail is its owner's, too */
  constructor(folder: string, current: () => Configuration, aliases: AliasesOf) {
    this.#folder = folder
    this.#current = current
    this.#aliases = aliases
  }

  async search(
    { cursor, limit = usualPage, ...query }: QuarantineQuery,
    scope: Scope,
  ): Promise<HeldPage> {
    const reach = await this.#reachOf(scope)
    const searches = narrowed(query, reach.sees)
    const from = cursor === undefined ? undefined : positionOf(cursor)
    const before =
      from === undefined ? {} : { before: Math.min(from.at + 1, query.before ?? Infinity) }
    const answers = await Promise.all(
      searches.map((search) => this.#find({ ...search, ...before })),
    )
    const held = newestFirst(answers.flat())
    const items: HeldItem[] = []
    for (const each of held) {
      if (!isMine(each, reach.sees)) continue
      if (from !== undefined && each.receivedAt === from.at && each.id >= from.id) continue
      if (items.length >= limit) return { items, next: cursorOf(items.at(-1)) }
      items.push(this.#itemOf(each, reach.changes))
    }
    // A full answer of the gateway may have cut off what a later page shows.
    const isCut = answers.some((answer) => answer.length >= mostFound)
    return isCut ? { items, next: cursorOf(held.at(-1)) } : { items }
  }

  async show(id: string, scope: Scope): Promise<HeldDetails | undefined> {
    const { details } = await steerQuarantine(this.#folder, { what: 'show', id })
    const { sees, changes } = await this.#reachOf(scope)
    if (details === undefined || !isMine(details.held, sees)) return undefined
    const preview = await withQueued(this.#folder, id, ({ message }) => safePreview(message))
    if (preview === undefined) return undefined
    return {
      ...this.#itemOf(details.held, changes),
      evidence: details.evidence,
      ...preview,
      siblings: details.siblings
        .filter((each) => isMine(each, sees))
        .map((each) => this.#itemOf(each, changes)),
    }
  }

  /** As it is for one of its recipients, who learns of no other; without a look into the message. */
  async findFor(id: string, recipient: string): Promise<HeldItem | undefined> {
    const found = (await this.#find({ ids: [id], recipient })).find((each) => each.id === id)
    if (found === undefined) return undefined
    const scope: Scope = { what: 'mailbox', address: accountKey(recipient) }
    return this.#itemOf({ ...found, recipients: [recipient] }, scope)
  }

  /** @returns whether it was held for them, and is not any more; others it is held for as before */
  async decideFor(id: string, recipient: string, action: 'release' | 'delete'): Promise<boolean> {
    const what = action === 'release' ? 'release-for' : 'remove-for'
    return (await steerQuarantine(this.#folder, { what, id, recipient })).count > 0
  }

  async raw(id: string, scope: Scope): Promise<Download | undefined> {
    const { details } = await steerQuarantine(this.#folder, { what: 'show', id })
    if (details === undefined || !isMine(details.held, scope)) return undefined
    const { sizeBytes } = details.held
    return {
      fileName: `${id}.eml`,
      type: 'application/octet-stream',
      sizeBytes,
      read: () => bytesOf(this.#folder, id),
    }
  }

  async act(
    { action, ids, selection = {}, everybody = false, copyTo = '' }: QuarantineActionRequest,
    scope: Scope,
  ): Promise<QuarantineActionResult> {
    const reach = await this.#reachOf(scope)
    const { changes } = reach
    const meant =
      ids === undefined
        ? await this.#selected(selection, action, changes)
        : await this.#named(ids, action, reach)
    if (meant.length === 0) return { count: 0, ids: [], learned: [], rules: [] }
    if (action === 'allow-sender') return this.#allow(meant, changes)
    const search = { ids: meant.map(({ id }) => id) }
    if (action === 'copy') {
      const to = formatMailbox(mailboxIn(copyTo))
      const done = await steerQuarantine(this.#folder, { what: 'copy', search, to })
      return { count: done.count, ids: search.ids, learned: [], rules: [] }
    }
    if (action === 'release' || action === 'delete') {
      const what = action === 'release' ? 'release' : 'remove'
      const done = await steerQuarantine(this.#folder, { what, search, everybody })
      return { count: done.count, ids: done.held.map(({ id }) => id), learned: [], rules: [] }
    }
    const as = action === 'learn-ham' ? 'ham' : 'spam'
    const { count, learned = [] } = await steerQuarantine(this.#folder, {
      what: 'learn',
      search,
      as,
    })
    return { count, ids: search.ids, learned, rules: [] }
  }

  /** @throws Refusal 404 where none of them is held; 403 */
  async #named(ids: readonly string[], action: string, reach: Reach): Promise<Held> {
    const found = await this.#find({ ids: [...ids] })
    const meant = found.filter((each) => isMine(each, reach.changes))
    if (meant.length === 0 && found.some((each) => isMine(each, reach.sees))) {
      throw new Refusal('forbidden', 'It is held for others, too')
    }
    if (meant.length === 0) throw new Refusal('not-found', 'None of these is held')
    if (action === 'release' && !meant.every((each) => this.#mayRelease(each, reach.changes))) {
      throw new Refusal('forbidden', 'Only an administrator lets that go')
    }
    return meant
  }

  /** Of very many the newest: whoever asks is told how many, and asks again. */
  async #selected(selection: Search, action: string, scope: Scope): Promise<Held> {
    const searches = narrowed(selection, scope)
    const answers = await Promise.all(searches.map((search) => this.#find(search)))
    return newestFirst(answers.flat()).filter((each) => {
      if (!isMine(each, scope)) return false
      return action !== 'release' || this.#mayRelease(each, scope)
    })
  }

  async #find(search: Search): Promise<readonly HeldMessage[]> {
    const asked = { what: 'find', search, limit: mostFound } as const
    return (await steerQuarantine(this.#folder, asked)).held
  }

  /** An alias that leads to others as well is theirs, too: nobody decides for them. */
  async #reachOf(scope: Scope): Promise<Reach> {
    if (scope.what !== 'mailbox') return { sees: scope, changes: scope }
    const { alone, shared } = await this.#aliases(scope.address)
    return {
      sees: { ...scope, aliases: [...alone, ...shared] },
      changes: { ...scope, aliases: alone },
    }
  }

  /** For those it was held for, and nobody else; the lists want a proof of the sender. */
  async #allow(meant: readonly HeldMessage[], scope: Scope): Promise<QuarantineActionResult> {
    const rules = new Set<string>()
    for (const { reversePath, recipients } of meant) {
      for (const recipient of recipients) {
        if (!isWithin(recipient, scope)) continue
        const sender = reversePath.replace(/^<(.*)>$/, '$1')
        const rule = readRule(['allow', 'sender', sender === '' ? '<>' : sender, 'for', recipient])
        if (typeof rule === 'string') throw new Refusal('invalid', rule)
        // oxlint-disable-next-line no-await-in-loop -- one file, one edit after the other
        await editLists(this.#folder, { rule, note: 'from quarantine', remove: false })
        rules.add(formatListRule(rule))
      }
    }
    return { count: meant.length, ids: meant.map(({ id }) => id), learned: [], rules: [...rules] }
  }

  #itemOf(held: HeldMessage, scope: Scope): HeldItem {
    return { ...held, mayRelease: this.#mayRelease(held, scope) }
  }

  /** Viruses, and what the digest does not list, are no recipient's to let go. */
  #mayRelease({ entry, recipients }: HeldMessage, scope: Scope): boolean {
    if (scope.what === 'all') return true
    if (!isMine({ recipients }, scope)) return false
    const { virusEntries, digest } = this.#current().quarantine
    return entry === undefined || ![...virusEntries, ...(digest?.except ?? [])].includes(entry)
  }
}

/** @throws Refusal 422 */
function mailboxIn(text: string): Mailbox {
  const mailbox = parseMailbox(text, { smtputf8: true })
  if (mailbox === undefined) throw new Refusal('invalid', `${text} is no address`)
  return mailbox
}

/** Somebody's own: held for nobody else. */
function isMine({ recipients }: Pick<HeldMessage, 'recipients'>, scope: Scope): boolean {
  return recipients.length > 0 && recipients.every((each) => isWithin(each, scope))
}

/** What to ask for, so that not much is found that is others'. Of many domains or aliases pages may be short. */
function narrowed(search: Search, scope: Scope): readonly Search[] {
  if (scope.what === 'all' || search.recipient !== undefined) return [search]
  const mine =
    scope.what === 'mailbox'
      ? [scope.address, ...(scope.aliases ?? [])]
      : scope.domains.map((domain) => `@${domain}`)
  if (mine.length > mostSearches) return [search]
  return mine.map((recipient) => ({ ...search, recipient }))
}

/** Each once. */
function newestFirst(held: readonly HeldMessage[]): readonly HeldMessage[] {
  const unique = new Map(held.map((each) => [each.id, each]))
  return [...unique.values()].toSorted(
    (a, b) => b.receivedAt - a.receivedAt || (a.id < b.id ? 1 : -1),
  )
}

function cursorOf(held: Pick<HeldMessage, 'id' | 'receivedAt'> | undefined): string {
  return held === undefined ? '' : `${held.receivedAt}.${held.id}`
}

function positionOf(cursor: string): { readonly at: number; readonly id: string } {
  const [, at, id] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(cursor) ?? []
  if (at === undefined || id === undefined) throw new Refusal('bad-request', 'That is no cursor')
  return { at: Number(at), id }
}
