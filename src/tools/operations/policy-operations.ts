/** The policy files and the greylist as the API has them. */
import { relative } from 'node:path'
import type { Author, PageRequest, PolicyOperations } from '../../admin/operations.ts'
import { Refusal } from '../../admin/refusal.ts'
import type {
  GreylistChange,
  GreylistPage,
  ListChange,
  ListRule,
  Lists,
  ListTest,
  ListTestResult,
  RuleTest,
  RuleTestResult,
  TcpRules,
  Variables,
} from '../../admin/schemas/policy.ts'
import type { Configuration } from '../../config/configuration.ts'
import { formatListRule, readRule, type ListRule as WrittenRule } from '../../formats/list-rules.ts'
import { parseMailbox, type Mailbox } from '../../mail/address.ts'
import { isAddressLiteral } from '../../mail/domain.ts'
import { clientListing, environmentTable } from '../environment-table.ts'
import {
  allowClient,
  clientNamed,
  forgetClient,
  greyEntries,
  letIn,
  withGreylist,
  type GreyPlace,
} from '../greylist.ts'
import { askLists, editLists, listFile, readLists } from '../sender-lists.ts'
import type { EditedFiles } from './edited-files.ts'

const mostRules = 5_000
const usualPage = 100

export class PolicyFiles implements PolicyOperations {
  readonly #folder: string
  readonly #current: () => Configuration
  readonly #files: EditedFiles

  constructor(folder: string, current: () => Configuration, files: EditedFiles) {
    this.#folder = folder
    this.#current = current
    this.#files = files
  }

  async rules(): Promise<TcpRules> {
    const { tcpRules, tcpRulesFile, tcpRulesPath, folder } = this.#current()
    const rules: TcpRules['rules'][number][] = []
    let more = 0
    for (const { action, environment, rule } of tcpRules.all()) {
      if (rules.length >= mostRules) {
        more += 1
        continue
      }
      const variables = [...environment].map(([name, value]) => ({ name, value }))
      const line = rule.line === undefined ? {} : { line: rule.line }
      rules.push({ address: rule.key, action, variables, ...line })
    }
    const path = relative(folder, tcpRulesPath)
    const file =
      path.startsWith('..') || path.endsWith('.cdb') ? undefined : await this.#files.read(path)
    return {
      file: tcpRulesFile,
      ...(file === undefined ? {} : { path: file.path, etag: file.etag }),
      rules: rules.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)),
      more,
    }
  }

  async testRule({ ip, host, info }: RuleTest): Promise<RuleTestResult> {
    const bare = ip.replace(/^\[(.*)\]$/, '$1')
    if (!isAddressLiteral(`[${bare}]`) && !isAddressLiteral(`[IPv6:${bare}]`)) {
      throw new Refusal('invalid', `${ip} is not an IP address`)
    }
    const client = {
      ip: bare,
      ...(host === undefined ? {} : { host }),
      ...(info === undefined ? {} : { info }),
    }
    const { rule, action, variables } = await clientListing(this.#folder, client)
    return { action, variables, ...(rule === undefined ? {} : { rule }) }
  }

  async variables(): Promise<Variables> {
    const { variables } = await environmentTable(this.#folder)
    return { variables }
  }

  async lists(target?: string): Promise<Lists> {
    const wanted = target?.toLowerCase()
    const all = (await this.#lists()).filter(
      (rule) => wanted === undefined || rule.target === wanted,
    )
    const rules = all.slice(0, mostRules).map((rule) => {
      const { word, by, value, line } = rule
      const whom = rule.target === '' ? {} : { target: rule.target }
      return { word, by, value, line, ...whom, text: formatListRule(rule) }
    })
    return { rules, more: all.length - rules.length }
  }

  async changeLists(
    what: 'add' | 'remove',
    { rule, note }: ListChange,
    author: Author,
  ): Promise<boolean> {
    const about = note === undefined ? {} : { note }
    const edit = { rule: ruleOf(rule), remove: what === 'remove', ...about }
    const path = relative(this.#current().folder, listFile(this.#folder))
    return this.#files.noting(path, author, () => editLists(this.#folder, edit))
  }

  async testLists({
    client,
    name,
    sender,
    from,
    to,
    proven = false,
  }: ListTest): Promise<ListTestResult> {
    const mail = {
      address: client ?? '',
      name,
      ...(sender === undefined ? {} : { sender: sender === '<>' ? null : mailboxOf(sender) }),
      ...(from === undefined ? {} : { from: [mailboxOf(from)] }),
      isProven: () => proven,
    }
    const ruling = await askLists(this.#folder, mail, to === undefined ? undefined : mailboxOf(to))
    if (ruling === undefined) return { says: 'nothing' }
    const { says, rule } = ruling
    return { says, rule: formatListRule(rule), line: rule.line }
  }

  async greylist({
    cursor,
    limit = usualPage,
    client,
  }: PageRequest & { readonly client?: string }): Promise<GreylistPage> {
    const beginning = client === undefined ? '' : nameOf(client)
    const after = cursor === undefined ? undefined : greyPlaceOf(cursor)
    return withGreylist(this.#folder, async (tables) => {
      const items: GreylistPage['items'][number][] = []
      let last: GreyPlace | undefined
      for await (const { table, ...entry } of greyEntries(tables, beginning, after)) {
        if (items.length >= limit && last !== undefined) return { items, next: cursorOf(last) }
        last = { table, key: entry.key }
        items.push({ ...entry, allowed: entry.passes >= letIn })
      }
      return { items }
    })
  }

  async allowClient(client: string): Promise<GreylistChange> {
    const name = nameOf(client)
    await withGreylist(this.#folder, (tables) => allowClient(tables, name))
    return { client: name, entries: 1 }
  }

  async forgetClient(client: string): Promise<GreylistChange> {
    const name = nameOf(client)
    const entries = await withGreylist(this.#folder, (tables) => forgetClient(tables, name))
    return { client: name, entries }
  }

  #lists(): ReturnType<typeof readLists> {
    return readLists(this.#folder)
  }
}

function cursorOf({ table, key }: GreyPlace): string {
  return Buffer.from(JSON.stringify([table, key])).toString('base64url')
}

/** @throws Refusal 400 */
function greyPlaceOf(cursor: string): GreyPlace {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const [table, key]: unknown[] = Array.isArray(place) ? place : []
    if ((table === 'clients' || table === 'keys') && typeof key === 'string') return { table, key }
  } catch {
    // It is none.
  }
  throw new Refusal('bad-request', 'That is no cursor')
}

function ruleOf({ word, by, value, target }: ListRule): WrittenRule {
  const rule = readRule([word, by, value, ...(target === undefined ? [] : ['for', target])])
  if (typeof rule === 'string' || /\s/.test(value) || /\s/.test(target ?? '')) {
    throw new Refusal('invalid', typeof rule === 'string' ? rule : 'no blanks')
  }
  return rule
}

function mailboxOf(text: string): Mailbox {
  const mailbox = parseMailbox(text, { smtputf8: true, barePostmaster: true })
  if (mailbox === undefined) throw new Refusal('invalid', `${text} is no address`)
  return mailbox
}

function nameOf(text: string): string {
  const client = clientNamed(text)
  if (client !== undefined) return client
  throw new Refusal('invalid', `${text} is neither an address nor a network nor a domain`)
}
