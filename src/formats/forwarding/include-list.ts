/** The recipients of an `:include:` file, as newinclude compiles them: addresses and further files, a NUL behind each. */
import type { Qualifiers } from '../inject/qualify.ts'
import { latin1 } from '../octets.ts'
import { completeAddress } from './complete-address.ts'
import { listedRecipients } from './listed-recipients.ts'

export type IncludeReading = { readonly list: string } | { readonly trouble: string }

const mostAddressBytes = 800

/** @returns text of one character for each byte */
export function includeList(bytes: Uint8Array, qualifiers: Qualifiers): IncludeReading {
  let list = ''
  for (const line of latin1(bytes).split('\n')) {
    if (line.startsWith('#')) continue
    for (const item of listedRecipients(line, { includes: true })) {
      if (item.kind === 'unreadable') return { trouble: `unable to parse this line: ${line}` }
      const entry =
        item.kind === 'include' ? includeEntry(item.path) : addressEntry(item, qualifiers)
      if ('trouble' in entry) return entry
      list += entry.list
    }
  }
  return { list }
}

function includeEntry(path: string): IncludeReading {
  if (path === '') return { trouble: 'empty :include: filenames not permitted' }
  if (path.includes('\0')) return { trouble: 'NUL not permitted in :include: filenames' }
  return { list: `${/^[./]/.test(path) ? '' : './'}${path}\0` }
}

function addressEntry(
  { address, marked }: { readonly address: string; readonly marked: boolean },
  qualifiers: Qualifiers,
): IncludeReading {
  if (address === '') return { list: '' }
  if (!marked && address.startsWith('/'))
    return { trouble: `file delivery ${address} not supported` }
  if (!marked && address.startsWith('|')) {
    return { trouble: `program delivery ${address} not supported` }
  }
  const whole = completeAddress(address, marked, qualifiers)
  if (whole.includes('\0')) return { trouble: 'NUL not permitted in recipient addresses' }
  if (whole.length > mostAddressBytes) return { trouble: 'addresses must be under 800 bytes' }
  if (/[ \t]$/.test(whole)) return { trouble: 'spaces and tabs not permitted at ends of addresses' }
  return { list: `&${whole}\0` }
}
