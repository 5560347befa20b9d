/**
 * /etc/aliases as newaliases compiles it: `name: recipient, "|program", :include:/file`, continued by lines that begin with a
 * blank; the alias `owner-name` is where bounces of `name` go. Text is one character for each byte.
 */
import type { CdbEntry } from '../cdb.ts'
import type { Qualifiers } from '../inject/qualify.ts'
import { latin1, latin1Bytes, lowerAscii } from '../octets.ts'
import { completeAddress } from './complete-address.ts'
import { listedRecipients } from './listed-recipients.ts'

export type AliasReading =
  | { readonly records: readonly CdbEntry[] }
  /** In newaliases' words. */
  | { readonly trouble: string; readonly exit: 100 | 111 }

const mostAddressBytes = 800

/** A name without a domain is found for every domain of the host: its key ends in `@`. */
export function aliasRecords(bytes: Uint8Array, qualifiers: Qualifiers): AliasReading {
  const records: CdbEntry[] = []
  for (const alias of readAliases(bytes, qualifiers)) {
    if ('trouble' in alias) return { trouble: alias.trouble, exit: alias.exit }
    if (alias.target.startsWith('owner-')) {
      records.push(record(`?${alias.target.slice('owner-'.length)}`, alias.address))
    }
    records.push(record(`:${alias.target}`, alias.commands))
  }
  return { records }
}

/** Each with its line, from 1; what cannot be read is the last. */
export function* readAliases(
  bytes: Uint8Array,
  qualifiers: Qualifiers,
): Generator<(Alias | Trouble) & { readonly line: number }> {
  for (const { text, line } of wholeLines(latin1(bytes))) {
    const alias = readAlias(text, qualifiers)
    if ('trouble' in alias) return yield { ...alias, line }
    if (alias.commands === '' && alias.target === '') continue
    if (alias.commands === '' || alias.target === '') return yield { ...unreadable(text), line }
    yield { ...alias, line }
  }
}

function record(key: string, value: string): CdbEntry {
  return [latin1Bytes(lowerAscii(key)), latin1Bytes(value)]
}

/** Unlike the original's, also the last line where its end is missing. */
function wholeLines(whole: string): readonly { readonly text: string; readonly line: number }[] {
  const lines: { text: string; readonly line: number }[] = []
  for (const [at, text] of whole.split('\n').entries()) {
    if (text === '') continue
    const last = lines.at(-1)
    if (/^[ \t]/.test(text) && last !== undefined) last.text += `\n${text}`
    else lines.push({ text, line: at + 1 })
  }
  return lines.filter(({ text }) => !text.startsWith('#'))
}

interface Alias {
  /** What was found last, which is what stands first. */
  readonly target: string
  /** The same with a full domain. */
  readonly address: string
  readonly commands: string
}

type Trouble = Exclude<AliasReading, { readonly records: unknown }>

function readAlias(line: string, qualifiers: Qualifiers): Alias | Trouble {
  let target = ''
  let address = ''
  let commands = ''
  for (const item of listedRecipients(line, { includes: true })) {
    if (item.kind === 'unreadable') return unreadable(line)
    if (item.kind === 'include') {
      if (item.path === '') return failed('empty :include: filenames not permitted')
      commands += `${/^[./]/.test(item.path) ? '' : './'}${item.path}.bin\0`
      continue
    }
    if (item.address === '') return failed('empty recipient addresses not permitted')
    if (item.address.includes('\0')) return failed('NUL not permitted in recipient addresses')
    if (!item.marked && item.address.startsWith('/')) {
      return failed(`file delivery ${item.address} not supported`)
    }
    if (!item.marked && item.address.startsWith('|')) {
      commands += `!${item.address.slice(1)}\0`
      continue
    }
    if (target !== '') commands += `&${address}\0`
    target = item.marked ? item.address : `${item.address}@`
    address = completeAddress(target, target.endsWith('@') ? false : item.marked, qualifiers)
    if (address.length > mostAddressBytes) {
      return { trouble: 'addresses over 800 bytes are not permitted', exit: 100 }
    }
  }
  return { target, address, commands }
}

function failed(trouble: string): Trouble {
  return { trouble, exit: 111 }
}

function unreadable(line: string): Trouble {
  return failed(`unable to parse this line: ${line}`)
}
