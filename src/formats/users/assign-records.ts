/**
 * What qmail-newu makes of users/assign, byte for byte: `!local\0` for `=` lines, `!prefix` for `+` lines, and under the empty
 * key the last byte of each prefix, by which a reader knows where to look.
 */
import type { CdbEntry } from '../cdb.ts'
import { latin1, latin1Bytes, lowerAscii } from '../octets.ts'

/** @returns `undefined` where a line is none, or the line with a dot at the end is missing: nothing may be made of half a file */
export function assignRecords(bytes: Uint8Array): readonly CdbEntry[] | undefined {
  const records: CdbEntry[] = []
  let ends = ''
  const lines = latin1(bytes).split('\n')
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('.')) {
      records.push([latin1Bytes(''), latin1Bytes(ends)])
      return records
    }
    // What follows the last line end is a line only where it begins with a dot.
    const record = index === lines.length - 1 ? undefined : recordOf(line)
    if (record === undefined) return undefined
    records.push(record.entry)
    if (record.end !== undefined && !ends.includes(record.end)) ends += record.end
  }
  return undefined
}

interface AssignRecord {
  readonly entry: CdbEntry
  /** The last byte of a wildcard's prefix, in the case in which it was written. */
  readonly end?: string
}

/** A user, two numbers, a home, a dash, an extension; anything may follow. */
const valueFields = 6

/** Any first character but `+` counts as `=`, as it always did. */
function recordOf(line: string): AssignRecord | undefined {
  const colon = line.indexOf(':')
  if (colon <= 0 || line.includes('\0')) return undefined
  const fields = line.slice(colon + 1).split(':')
  if (fields.length <= valueFields) return undefined
  const value = latin1Bytes(fields.slice(0, valueFields).join('\0'))
  const local = line.slice(1, colon)
  const key = `!${lowerAscii(local)}`
  if (!line.startsWith('+')) return { entry: [latin1Bytes(`${key}\0`), value] }
  const end = local.at(-1)
  return { entry: [latin1Bytes(key), value], ...(end === undefined ? {} : { end }) }
}
