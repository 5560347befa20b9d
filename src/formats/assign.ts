/**
 * users/assign and users/cdb: who receives the mail of a local address (qmail-users(5)). An exact line beats the wildcards,
 * of which the longest prefix wins; case does not count.
 */
import type { Cdb } from './cdb-reader.ts'
import type { ControlReading } from './control.ts'
import type { LineMistake } from './line-mistake.ts'
import { lowerAscii } from './octets.ts'

export interface Assignment {
  readonly user: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  /** With what follows a wildcard's prefix behind `extension`: the end of the name of the .qmail file. */
  readonly dash: string
  readonly extension: string
  /** Absent for an exact line. */
  readonly prefix?: string
}

export interface Assignments {
  /** @throws CdbError where it is read from a damaged cdb */
  find(local: string): Assignment | undefined
}

const fieldCount = 7
const remedy =
  'write =local:user:uid:gid:home:dash:extension: or +prefix:…, each field ended by a colon'

/** As qmail-newu reads it, but that all mistakes are named: the last line is a dot. */
export function parseAssign(bytes: Uint8Array | undefined): ControlReading<Assignments> {
  const exact = new Map<string, Assignment>()
  const wild = new Map<string, Assignment>()
  const mistakes: LineMistake[] = []
  const lines = bytes === undefined ? ['.'] : Buffer.from(bytes).toString('latin1').split('\n')
  const end = lines.indexOf('.')
  for (const [index, text] of lines.slice(0, end < 0 ? undefined : end).entries()) {
    const line = readLine(text)
    if (line === undefined) {
      // What comes after the last line end is no line.
      if (text !== '' || index < lines.length - 1) mistakes.push({ line: index + 1, text, remedy })
    } else if (line.prefix === undefined) keepFirst(exact, line.key, line.assignment)
    else keepFirst(wild, line.key, line.assignment)
  }
  if (end < 0) {
    mistakes.push({
      line: lines.length,
      text: '',
      remedy: 'end the file with a line that is a dot',
    })
  }
  const lengths = [...new Set([...wild.keys()].map((prefix) => prefix.length))]
  lengths.sort((a, b) => b - a)
  const find = (local: string): Assignment | undefined => {
    const key = lowerAscii(local)
    const longest = lengths.find((length) => length <= key.length && wild.has(key.slice(0, length)))
    return exact.get(key) ?? (longest === undefined ? undefined : wild.get(key.slice(0, longest)))
  }
  return { value: { find }, mistakes, doubts: [] }
}

/** What qmail-newu made of it: `!local\0` and `!prefix`; the empty key holds the last byte of each prefix. */
export function assignCdb(cdb: Pick<Cdb, 'get'>): Assignments {
  return {
    find(local) {
      const key = lowerAscii(local)
      const exact = cdb.get(Buffer.from(`!${key}\0`, 'latin1'))
      if (exact !== undefined) return readValue(exact)
      const ends = Buffer.from(cdb.get('') ?? []).toString('latin1')
      for (let length = key.length; length >= 0; length--) {
        if (length > 0 && !ends.includes(key.charAt(length - 1))) continue
        const wild = cdb.get(Buffer.from(`!${key.slice(0, length)}`, 'latin1'))
        if (wild !== undefined) return readValue(wild, key.slice(0, length))
      }
      return undefined
    },
  }
}

/** Of two lines for the same, the first counts, as in a cdb. */
function keepFirst(map: Map<string, Assignment>, key: string, assignment: Assignment): void {
  if (!map.has(key)) map.set(key, assignment)
}

function readLine(text: string) {
  const kind = text.charAt(0)
  const fields = text.slice(1).split(':')
  if ((kind !== '=' && kind !== '+') || fields.length < fieldCount + 1) return undefined
  const [local = '', ...rest] = fields
  const key = lowerAscii(local)
  const prefix = kind === '+' ? key : undefined
  const assignment = assignmentOf(rest, prefix)
  return assignment === undefined ? undefined : { key, prefix, assignment }
}

function readValue(value: Uint8Array, prefix?: string): Assignment | undefined {
  return assignmentOf(Buffer.from(value).toString('latin1').split('\0'), prefix)
}

function assignmentOf(fields: readonly string[], prefix?: string): Assignment | undefined {
  const [user = '', uid = '', gid = '', home = '', dash = '', extension = ''] = fields
  if (user === '' || !/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid)) return undefined
  const known = { user, uid: Number(uid), gid: Number(gid), home, dash, extension }
  return prefix === undefined ? known : { ...known, prefix }
}
