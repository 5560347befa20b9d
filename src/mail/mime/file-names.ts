/**
 * The names that a part is given: mail programs look at `filename` or at `name`, at RFC 2231 or RFC 2047, at the first or at
 * the last. A rule about names is only as good as the list of names it sees; so all of them are listed, each once.
 */
import { decodeText } from './charset.ts'
import { decodeWords, fromHex } from './encoded-words.ts'
import type { Parameter, StructuredValue } from './parameters.ts'

export interface FileNames {
  /** Ours first. */
  readonly names: readonly string[]
  /** Whether readers that differ would see different extensions. */
  readonly ambiguous: boolean
}

/** Beyond these only names with another extension are listed: rules ask for extensions first of all. */
const usualNames = 16
const mostNames = 256
const longestName = 1024

export function fileNamesOf(
  dispositions: readonly StructuredValue[],
  types: readonly StructuredValue[],
): FileNames {
  const decoded = [
    ...dispositions.flatMap(({ parameters }) => valuesOf(parameters, 'filename')),
    ...types.flatMap(({ parameters }) => valuesOf(parameters, 'name')),
  ]
  const shown = decoded.map(decodeWords)
  const unescaped = shown
    .filter((name) => name.includes('%'))
    .map((name) => decodeText(fromHex(name, '%')))
  const read = [...shown, ...decoded, ...unescaped].map(bounded)
  const names = [...new Set([...read, ...read.flatMap(namesOnDisk)])].filter((name) => name !== '')
  const extensions = new Set(shown.map(extensionOf).filter((extension) => extension !== ''))
  return {
    names: telling(names),
    ambiguous: extensions.size > 1 || names.length > usualNames,
  }
}

/**
 * What becomes of a name on its way to the disk: it ends at a NUL, what nobody sees in it goes (among that what turns the
 * direction of writing), and so do blanks and quotes around it.
 */
export function namesOnDisk(name: string): readonly string[] {
  const nul = name.indexOf('\0')
  const seen = name.replaceAll(/[\p{Cc}\p{Cf}]/gu, '')
  let start = 0
  let end = seen.length
  while (start < end && around.has(seen[start] ?? '')) start += 1
  while (end > start && around.has(seen[end - 1] ?? '')) end -= 1
  return [...(nul < 0 ? [] : [name.slice(0, nul)]), seen.slice(start, end)]
}

const around: ReadonlySet<string> = new Set('\'"`‘’“” \u00a0\u2002\u2003\u2009\u202f\u3000')

/** The first, and of the others one for each extension that is not among them yet. */
function telling(names: readonly string[]): readonly string[] {
  if (names.length <= usualNames) return names
  const first = names.slice(0, usualNames)
  const known = new Set(first.map(extensionOf))
  const more = names.slice(usualNames).filter((name) => {
    const extension = extensionOf(name)
    return known.size < known.add(extension).size
  })
  return [...first, ...more].slice(0, mostNames)
}

/** What follows the last dot, in lower case and without blanks and dots at the end, which Windows drops; '' without one. */
export function extensionOf(name: string): string {
  const trimmed = trimEnd(name)
  const dot = trimmed.lastIndexOf('.')
  const slash = Math.max(trimmed.lastIndexOf('/'), trimmed.lastIndexOf('\\'))
  return dot > slash ? trimmed.slice(dot + 1).toLowerCase() : ''
}

function trimEnd(name: string): string {
  let end = name.length
  while (end > 0 && (name[end - 1] === '.' || name.charCodeAt(end - 1) <= 0x20)) end--
  return name.slice(0, end)
}

/** All values of the parameter: RFC 2231 first, which who writes it means, then the plain ones in their order. */
export function valuesOf(parameters: readonly Parameter[], name: string): readonly string[] {
  const plain = parameters
    .filter((parameter) => parameter.name === name)
    .flatMap(({ readings }) => readings)
  return [...extendedValues(parameters, name), ...plain]
}

interface Section {
  /** Absent of one that is the whole value. */
  readonly number?: number
  /** Whether its number is written as RFC 2231 has it: some readers drop what has zeros in front. */
  readonly proper: boolean
  readonly encoded: boolean
  readonly text: string
}

type Numbered = Section & { readonly number: number }

/** RFC 2231 §3, §4: `name*=`, or `name*0=`, `name*1*=`, put together by number whatever their order; each way to read their text. */
function extendedValues(parameters: readonly Parameter[], name: string): readonly string[] {
  const extended = parameters.filter((parameter) => parameter.name.startsWith(`${name}*`))
  const most = Math.max(0, ...extended.map(({ readings }) => readings.length))
  const ways = Array.from({ length: most }, (_, way) => {
    const sections = extended.flatMap(({ name: spelled, readings }) =>
      sectionOf(spelled.slice(name.length + 1), readings[way] ?? readings[0]),
    )
    return valuesInSections(sections)
  })
  return [...new Set(ways.flat())]
}

function valuesInSections(sections: readonly Section[]): readonly string[] {
  const whole = sections.filter(({ number }) => number === undefined)
  const numbered = sections
    .filter((section) => section.number !== undefined)
    .map((section) => ({ ...section, number: section.number ?? 0 }))
    .toSorted((one, other) => one.number - other.number)
  return [...whole.map((one) => [one]), ...waysToPut(numbered)].map(together)
}

/** Sections that are there twice, or missing: some readers take all, others the first or the last, and stop at a gap. */
function waysToPut(inOrder: readonly Numbered[]): readonly (readonly Numbered[])[] {
  if (inOrder.length === 0) return []
  if (inOrder.every(({ number, proper }, index) => proper && number === index)) return [inOrder]
  const proper = inOrder.filter((section) => section.proper)
  const ways = [inOrder, proper].flatMap((sections) => {
    const first = sections.filter(({ number }, index) => sections[index - 1]?.number !== number)
    const last = sections.filter(({ number }, index) => sections[index + 1]?.number !== number)
    return [first, last].flatMap((once) => [once, untilGap(once)])
  })
  return [inOrder, ...ways.filter(({ length }) => length > 0)]
}

function untilGap(sections: readonly Numbered[]): readonly Numbered[] {
  const gap = sections.findIndex(({ number }, index) => number !== index)
  return gap < 0 ? sections : sections.slice(0, gap)
}

function together(sections: readonly Section[]): string {
  const [head] = sections
  const { charset, rest } = head?.encoded === true ? charsetOf(head.text) : plainOf(head?.text)
  const bytes = sections.map(({ encoded, text }, index) => {
    const value = index === 0 ? rest : text
    return encoded ? fromHex(value, '%') : Buffer.from(value, 'utf8')
  })
  return decodeText(Buffer.concat(bytes), charset)
}

/** @param rest what follows the first star of the parameter's name */
function sectionOf(rest: string, text: string): readonly Section[] {
  if (rest === '') return [{ encoded: true, proper: true, text }]
  const encoded = rest.endsWith('*')
  const digits = encoded ? rest.slice(0, -1) : rest
  if (!/^\d{1,4}$/.test(digits)) return []
  const number = Number(digits)
  return [{ number, proper: String(number) === digits, encoded, text }]
}

function charsetOf(text: string): { readonly charset: string | undefined; readonly rest: string } {
  const first = text.indexOf("'")
  const second = text.indexOf("'", first + 1)
  if (first < 0 || second < 0) return plainOf(text)
  return { charset: text.slice(0, first) || undefined, rest: text.slice(second + 1) }
}

function plainOf(text = ''): { readonly charset: undefined; readonly rest: string } {
  return { charset: undefined, rest: text }
}

/** A name keeps its end, which is its extension. */
function bounded(name: string): string {
  if (name.length <= longestName) return name
  return name.slice(0, longestName / 2) + name.slice(-longestName / 2)
}
