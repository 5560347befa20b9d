/** The mailboxes of an address field (RFC 5322 §3.4), as generously as mail programs read them. Linear in the text. */
import { parseMailbox, type Mailbox } from 'postern/plugin'

export interface FieldMailboxes {
  /** What could be read as an address. */
  readonly mailboxes: readonly Mailbox[]
  /** What stands between commas and could not. */
  readonly unreadable: readonly string[]
}

const most = 1000

export function mailboxesOf(field: string): FieldMailboxes {
  const mailboxes: Mailbox[] = []
  const unreadable: string[] = []
  for (const item of itemsOf(field).slice(0, most)) {
    const mailbox = parseMailbox(addressIn(item), { smtputf8: true })
    if (mailbox === undefined) unreadable.push(item)
    else mailboxes.push(mailbox)
  }
  return { mailboxes, unreadable }
}

/** What stands between commas and semicolons, outside quotes, angles and comments; without comments and group names. */
function itemsOf(field: string): readonly string[] {
  const items: string[] = []
  let item = ''
  let depth = 0
  let within: 'quotes' | 'angles' | undefined
  const flush = (): void => {
    if (item.trim() !== '') items.push(item.trim())
    item = ''
  }
  for (let at = 0; at < field.length; at++) {
    const char = field[at] ?? ''
    if (char === '\\' && (within === 'quotes' || depth > 0)) {
      if (depth === 0) item += field.slice(at, at + 2)
      at += 1
    } else if (depth > 0 || (char === '(' && within === undefined)) {
      depth += char === '(' ? 1 : char === ')' ? -1 : 0
    } else if (char === '"' && within !== 'angles') {
      within = within === 'quotes' ? undefined : 'quotes'
      item += char
    } else if (within === undefined && (char === ',' || char === ';')) flush()
    else if (within === undefined && char === ':') item = ''
    else {
      if (char === '<' && within === undefined) within = 'angles'
      else if (char === '>' && within === 'angles') within = undefined
      item += char
    }
  }
  flush()
  return items
}

/** What stands in the last angles, or all of it. */
function addressIn(item: string): string {
  const open = item.lastIndexOf('<')
  if (open < 0) return item
  const close = item.indexOf('>', open)
  return item.slice(open + 1, close < 0 ? undefined : close).trim()
}
