/**
 * Qmail-Scanner's quarantine-events.txt: three columns parted by tabs. A file name or `.extension` with its exact size (0:
 * any), or an expression with `Virus-<Header>:`, and a description. Expressions run on a matcher that takes linear time.
 */
import { RE2JS } from 're2js'
import { errorMessage } from '../mail/errors.ts'
import { sound, type ControlReading } from './control.ts'
import type { LineMistake } from './line-mistake.ts'
import { readable } from './octets.ts'

export type QuarantineEvent = FileEvent | HeaderEvent

export interface FileEvent {
  readonly kind: 'file'
  readonly line: number
  /** In lower case; begins with a dot where the end of the name counts. */
  readonly name: string
  /** Decoded; 0 where any size will do. */
  readonly sizeBytes: number
  readonly description: string
}

export interface HeaderEvent {
  readonly kind: 'header'
  readonly line: number
  /** The field, in lower case. */
  readonly header: string
  readonly description: string
  /** Whether the whole value of the field fits, without regard to case. */
  matches(value: string): boolean
}

export function parseQuarantineEvents(
  bytes: Uint8Array | undefined,
): ControlReading<readonly QuarantineEvent[]> {
  const events: QuarantineEvent[] = []
  const mistakes: LineMistake[] = []
  if (bytes === undefined) return sound(events)
  for (const [index, raw] of readable(bytes).split('\n').entries()) {
    const text = raw.trimEnd()
    if (text === '' || text.startsWith('#')) continue
    const parsed = parseLine(text, index + 1)
    if ('remedy' in parsed) mistakes.push({ line: index + 1, text, remedy: parsed.remedy })
    else events.push(parsed)
  }
  return { value: events, mistakes, doubts: [] }
}

/** Whether a file of that name and size is meant. */
export function isMeant(event: FileEvent, name: string, sizeBytes: number): boolean {
  const plain = name.toLowerCase()
  const fits = event.name.startsWith('.') ? plain.endsWith(event.name) : plain === event.name
  return fits && (event.sizeBytes === 0 || event.sizeBytes === sizeBytes)
}

function parseLine(text: string, line: number): QuarantineEvent | { readonly remedy: string } {
  const columns = text.split(/\t+/)
  const [pattern = '', kind = '', ...rest] = columns
  const description = rest.join(' ').trim()
  if (columns.length < 3 || pattern === '' || description === '') {
    return {
      remedy:
        'write three columns with tabs between: name or pattern, size or Virus-Header:, description',
    }
  }
  if (/^\d{1,15}$/.test(kind)) {
    return { kind: 'file', line, name: pattern.toLowerCase(), sizeBytes: Number(kind), description }
  }
  const header = /^Virus-([!-9;-~]{1,76}):$/i.exec(kind)?.[1]
  if (header === undefined)
    return { remedy: `${kind} is neither a size in bytes nor Virus-Header:` }
  const compiled = compile(pattern)
  if (typeof compiled === 'string') return { remedy: `${pattern} is no expression: ${compiled}` }
  return {
    kind: 'header',
    line,
    header: header.toLowerCase(),
    description,
    matches: (value) => compiled.matches(value),
  }
}

function compile(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE | RE2JS.DOTALL)
  } catch (error) {
    // A mistake of the operator's, told as such.
    return errorMessage(error)
  }
}
