/** The X-Spam-* fields: as SpamAssassin itself rewrites a header, or as Qmail-Scanner's fast mode writes them. */
import {
  fieldText,
  parseHeader,
  type Header,
  type HeaderEdit,
  type HeaderField,
} from 'postern/plugin'
import type { SpamdVerdict } from './spamd.ts'

/** What a stranger could write to be believed; these go first where there are many. */
const wellKnown = ['Status', 'Flag', 'Level', 'Score', 'Report', 'Checker-Version']
const mostRemoved = 100
const mostFields = 50
const longestLevel = 50

const isSpamField = (name: string): boolean => /^X-Spam-/i.test(name)

/** Every X-Spam-* field that came with the message goes: each says something that we did not. */
function withoutForeign(header: Header): readonly HeaderEdit[] {
  const there = new Map(
    header.fields.flatMap(({ name }) => (isSpamField(name) ? [[name.toLowerCase(), name]] : [])),
  )
  const first = wellKnown
    .map((name) => `X-Spam-${name}`)
    .filter((name) => there.has(name.toLowerCase()))
  for (const name of first) there.delete(name.toLowerCase())
  return [...first, ...there.values()]
    .slice(0, mostRemoved)
    .map((name) => ({ edit: 'remove', name }))
}

/** As SpamAssassin has rewritten the header: its X-Spam-* fields in its order, and its Subject. */
export function rewritten(original: Header, answered: string): readonly HeaderEdit[] {
  const text = answered.replace(/\r?\n/g, '\r\n')
  const bytes = Buffer.from(text, 'utf8')
  const { fields } = parseHeader(bytes)
  const added = fields.filter(({ name }) => isSpamField(name)).slice(0, mostFields)
  const subject = fields.find(({ name }) => name.toLowerCase() === 'subject')
  return [
    ...withoutForeign(original),
    ...added
      .toReversed()
      .map(
        (field) => ({ edit: 'prepend', name: field.name, value: rawValue(field, bytes) }) as const,
      ),
    ...(subject === undefined ? [] : newSubject(original, subject, bytes)),
  ]
}

function newSubject(original: Header, subject: HeaderField, bytes: Buffer): readonly HeaderEdit[] {
  const before = original.first('Subject')
  if (before === subject.value || (before === undefined && subject.value === '')) return []
  const value = rawValue(subject, bytes)
  return [
    before === undefined
      ? { edit: 'prepend', name: 'Subject', value }
      : { edit: 'replace', name: 'Subject', nth: 1, value },
  ]
}

/** With its folds, fit for a field of ours. */
function rawValue({ name, range }: HeaderField, bytes: Buffer): string {
  return bytes
    .toString('utf8', range.offset + name.length + 1, range.offset + range.length)
    .split('\r\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => (index === 0 ? fieldText(line.trim()) : fieldText(line.trimEnd())))
    .join('\r\n')
}

/** As Qmail-Scanner writes them in its fast mode; a spam's Subject gets a prefix. */
export function fast(
  original: Header,
  verdict: SpamdVerdict,
  prefix: string,
): readonly HeaderEdit[] {
  const { spam, score, required } = verdict
  const level = '+'.repeat(Math.max(0, Math.min(longestLevel, Math.floor(score))))
  const status = `${spam ? 'Yes' : 'No'}, score=${score.toFixed(1)} required=${required.toFixed(1)}`
  const subject = original.first('Subject')
  return [
    ...withoutForeign(original),
    ...(level === '' ? [] : [{ edit: 'prepend', name: 'X-Spam-Level', value: level } as const]),
    { edit: 'prepend', name: 'X-Spam-Status', value: status },
    ...(spam && prefix !== '' ? prefixed(subject, prefix) : []),
  ]
}

function prefixed(subject: string | undefined, prefix: string): readonly HeaderEdit[] {
  if (subject === undefined) return [{ edit: 'prepend', name: 'Subject', value: prefix }]
  if (subject.startsWith(prefix)) return []
  return [{ edit: 'replace', name: 'Subject', nth: 1, value: fieldText(`${prefix} ${subject}`) }]
}

/** The rules that `tests=` in X-Spam-Status names. */
export function rulesIn(answered: string): readonly string[] {
  const header = parseHeader(Buffer.from(answered.replace(/\r?\n/g, '\r\n'), 'utf8'))
  const status = header.first('X-Spam-Status') ?? ''
  const at = status.indexOf('tests=')
  if (at < 0) return []
  const [listed = '', next] = status.slice(at + 'tests='.length).split('=', 2)
  const words = listed.split(/[\s,]+/)
  return ruleNames(next === undefined ? words : words.slice(0, -1))
}

const mostRules = 200

export function ruleNames(words: readonly string[]): readonly string[] {
  return words.filter((word) => /^\w{1,80}$/.test(word) && word !== 'none').slice(0, mostRules)
}
