/**
 * The sections `thresholds` and `tagging`: what the score of a message leads to, for everybody, for the recipients of a
 * domain, for one recipient; and how a message is marked that is tagged.
 */
import { asciiDomain } from '../mail/domain.ts'
import { assertField } from '../mail/header-field.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { option } from '../plugin/option-makers.ts'
import type { Path } from './document.ts'
import { isMap, type Reading } from './reading.ts'

/** How a message is marked whose score reaches `tag`; `fields` is read beside it. */
const taggingShape = {
  subject_prefix: option.string({ default: '', maxLength: 60, description: 'Before the subject' }),
} as const

export interface Thresholds {
  readonly tag?: number
  readonly quarantine?: number
  readonly reject?: number
  readonly discard?: number
}

/** Changes what holds for everybody, key by key; `null`: never. */
export type ThresholdChange = { readonly [K in keyof Thresholds]?: number | null }

export interface ThresholdsConfiguration {
  readonly thresholds: Thresholds
  /** By address, domain, or `.example.org` for every domain below it; lower case. */
  readonly thresholdRules: ReadonlyMap<string, ThresholdChange>
  readonly tagging: {
    readonly fields: readonly (readonly [name: string, value: string])[]
    readonly subjectPrefix: string
  }
}

export interface ThresholdFiles {
  /** The text of a file of the configuration, which is followed from then on; undefined where there is none. */
  readText(path: string): string | undefined
  /** A line of a table is wrong. */
  mistake(file: string, line: number | undefined, problem: string, remedy: string): void
}

const names = ['tag', 'quarantine', 'reject', 'discard'] as const
const inTables = ['domains', 'recipients', 'table'] as const
type Change = { -readonly [K in keyof Thresholds]: number | null }

export function readThresholds(
  reading: Reading,
  top: JsonObject,
  files: ThresholdFiles,
): ThresholdsConfiguration {
  const given = top['thresholds']
  const section = isMap(given) ? given : {}
  if (given !== undefined && given !== null && !isMap(given)) {
    reading.mistake(['thresholds'], 'is not a map', 'write quarantine: 8 and the like')
  }
  reading.unknownKeys(['thresholds'], section, [...names, ...inTables])
  const thresholds: { -readonly [K in keyof Thresholds]: Thresholds[K] } = {}
  for (const [name, at] of Object.entries(readChange(reading, ['thresholds'], section))) {
    const known = names.find((each) => each === name)
    if (known !== undefined && at !== null) thresholds[known] = at
  }
  const rules = new Map<string, ThresholdChange>()
  const { table } = section
  if (typeof table === 'string') readTable(table, rules, files)
  else if (table !== undefined && table !== null) {
    reading.mistake(['thresholds', 'table'], 'is not a path', 'write tables/thresholds')
  }
  readRules(reading, ['thresholds', 'domains'], section['domains'], rules)
  readRules(reading, ['thresholds', 'recipients'], section['recipients'], rules)
  return { thresholds, thresholdRules: rules, tagging: readTagging(reading, top) }
}

/** What stands in postern.yaml beats the table. */
function readRules(
  reading: Reading,
  path: Path,
  given: JsonValue | undefined,
  rules: Map<string, ThresholdChange>,
): void {
  if (given === undefined || given === null) return
  if (!isMap(given)) {
    reading.mistake(path, 'is not a map', 'write name: { quarantine: 5 }')
    return
  }
  for (const [name, change] of Object.entries(given)) {
    const key = keyOf(name)
    if ((path.at(-1) === 'recipients') !== key?.includes('@')) {
      const remedy =
        path.at(-1) === 'recipients'
          ? 'write a whole address, such as bob@example.org'
          : 'write a domain, or .example.org for every domain below it'
      reading.mistake([...path, name], `'${name}' does not belong here`, remedy)
    } else if (!isMap(change)) {
      reading.mistake([...path, name], 'is not a map', 'write { quarantine: 5, reject: never }')
    } else {
      reading.unknownKeys([...path, name], change, names)
      if (key !== undefined) rules.set(key, readChange(reading, [...path, name], change))
    }
  }
}

function readChange(reading: Reading, path: Path, given: JsonObject): Change {
  const change: Change = {}
  for (const name of names) {
    const at = given[name]
    if (at === undefined || at === null) continue
    if (at === 'never') change[name] = null
    else if (typeof at === 'number' && Number.isFinite(at)) change[name] = at
    else {
      const problem = `${JSON.stringify(at)} is not a score`
      reading.mistake([...path, name], problem, 'write a number, or never')
    }
  }
  return change
}

/** `example.org tag=5 quarantine=8 reject=never`, one a line. */
function readTable(path: string, rules: Map<string, ThresholdChange>, files: ThresholdFiles): void {
  const text = files.readText(path)
  if (text === undefined) {
    files.mistake(path, undefined, 'is missing', 'write it, or take thresholds.table out')
    return
  }
  for (const [index, line] of text.split('\n').entries()) {
    const [name = '', ...words] = line.trim().split(/[ \t]+/)
    if (name === '' || name.startsWith('#')) continue
    const key = keyOf(name)
    const change = readWords(words)
    if (key === undefined || change === undefined) {
      const remedy = 'write an address or a domain, then tag=5 quarantine=8 reject=never'
      files.mistake(path, index + 1, `'${line.trim().slice(0, 200)}' is no rule`, remedy)
    } else rules.set(key, change)
  }
}

function readWords(words: readonly string[]): Change | undefined {
  const change: Change = {}
  for (const word of words) {
    const at = word.indexOf('=')
    const name = names.find((each) => each === word.slice(0, at))
    const value = word.slice(at + 1)
    const score = value === 'never' ? null : Number(value)
    if (name === undefined || value === '' || (score !== null && !Number.isFinite(score))) {
      return undefined
    }
    change[name] = score
  }
  return words.length === 0 ? undefined : change
}

function keyOf(name: string): string | undefined {
  const at = name.lastIndexOf('@')
  const domain = name.slice(at + 1)
  const below = at < 0 && domain.startsWith('.')
  const ascii = asciiDomain(below ? domain.slice(1) : domain)
  if (ascii === '' || at === 0) return undefined
  const local = at < 0 ? '' : `${name.slice(0, at).toLowerCase()}@`
  return `${local}${below ? '.' : ''}${ascii.toLowerCase()}`
}

function readTagging(reading: Reading, top: JsonObject): ThresholdsConfiguration['tagging'] {
  const values = reading.sectionOrDefaults(top, 'tagging', taggingShape, ['fields'])
  const given = isMap(top['tagging']) ? top['tagging']['fields'] : undefined
  const path = ['tagging', 'fields']
  if (given !== undefined && given !== null && !isMap(given)) {
    reading.mistake(path, 'is not a map', 'write X-Spam-Flag: "YES"')
  }
  const fields = isMap(given) ? Object.entries(given) : []
  return {
    subjectPrefix: values.subject_prefix,
    fields: fields.flatMap(([name, value]) => {
      if (typeof value === 'string' && isField(name, value)) return [[name, value] as const]
      reading.mistake([...path, name], 'is no header field', 'write X-Spam-Flag: "YES"')
      return []
    }),
  }
}

function isField(name: string, value: string): boolean {
  try {
    assertField(name, value)
    return true
  } catch {
    return false
  }
}
