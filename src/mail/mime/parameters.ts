/**
 * A structured field value as mail programs read it: `attachment; filename="a b.txt"`. What is not written as RFC 2045 §5.1
 * has it is still read, in each of the ways that are common, and marked as irregular. Linear in the text.
 */

export interface StructuredValue {
  /** What stands before the first semicolon, without comments, in lower case. */
  readonly value: string
  readonly parameters: readonly Parameter[]
  /** Whether anything is not as the standards have it, so that readers may differ. */
  readonly irregular: boolean
  /** There are more parameters than are read. */
  readonly cut: boolean
}

export interface Parameter {
  /** In lower case, with the stars of RFC 2231. */
  readonly name: string
  /** What it may be read as, ours first. */
  readonly readings: readonly [string, ...string[]]
}

const mostParameters = 100
const mostReadings = 5

export function parseStructured(text: string): StructuredValue {
  const { segments, broken } = segmentsOf(text)
  const [head = '', ...more] = segments
  const rest = [...inValue(head), ...more].filter((segment) => segment.trim() !== '')
  const value = withoutComments(head).trim().toLowerCase()
  const parameters: Parameter[] = []
  let irregular = broken || rest.length > mostParameters || /[^\x21-\x7e]/.test(value)
  for (const segment of rest.slice(0, mostParameters)) {
    const parsed = parseParameter(segment)
    if (parsed === undefined) {
      irregular = true
      goOn(parameters, segment)
      continue
    }
    parameters.push({ name: parsed.name, readings: parsed.readings })
    irregular ||= parsed.irregular
  }
  return { value, parameters, irregular, cut: rest.length > mostParameters }
}

/** Some readers look for `filename=` wherever it stands: behind a comma or a blank, or in place of the value. */
function inValue(head: string): readonly string[] {
  const equals = head.indexOf('=')
  if (equals < 0) return []
  const before = head.slice(0, equals).trimEnd()
  const start = Math.max(...[' ', '\t', ','].map((mark) => before.lastIndexOf(mark))) + 1
  return [head.slice(start)]
}

/** To some readers a semicolon in what is not quoted ends nothing: `filename=a;b.exe`. */
function goOn(parameters: Parameter[], segment: string): void {
  const before = parameters.pop()
  if (before === undefined) return
  const { name, readings } = before
  const isFirst = readings.length < mostReadings
  parameters.push(isFirst ? { name, readings: [...readings, `${readings[0]};${segment}`] } : before)
}

/** Without what stands in parentheses outside quotes; an open one runs to the end. */
export function withoutComments(text: string): string {
  if (!text.includes('(')) return text
  let out = ''
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '\\' && (quoted || depth > 0)) {
      if (depth === 0) out += text.slice(at, at + 2)
      at += 1
      continue
    }
    if (char === '"' && depth === 0) quoted = !quoted
    if (!quoted && char === '(') depth += 1
    if (depth === 0) out += char
    if (!quoted && char === ')' && depth > 0) depth -= 1
  }
  return out
}

interface Segments {
  readonly segments: readonly string[]
  /** A quote or a comment that does not end. */
  readonly broken: boolean
}

function segmentsOf(text: string): Segments {
  const segments: string[] = []
  let start = 0
  let quoted = false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '\\' && (quoted || depth > 0)) at += 1
    else if (char === '"' && depth === 0) quoted = !quoted
    else if (quoted) continue
    else if (char === '(') depth += 1
    else if (char === ')' && depth > 0) depth -= 1
    else if (char === ';' && depth === 0) {
      segments.push(text.slice(start, at))
      start = at + 1
    }
  }
  segments.push(text.slice(start))
  const broken = quoted || depth > 0
  // Other readers end the quote at the semicolon: what they see must be seen too.
  return {
    segments: broken ? [...segments, ...text.split(';').slice(segments.length)] : segments,
    broken,
  }
}

function parseParameter(
  segment: string,
): (Parameter & { readonly irregular: boolean }) | undefined {
  const equals = segment.indexOf('=')
  if (equals < 0) return undefined
  const name = withoutComments(segment.slice(0, equals)).trim().toLowerCase()
  const raw = segment.slice(equals + 1).trim()
  if (name === '') return undefined
  const plain = withoutComments(raw).trim()
  const unquoted = plain.replaceAll('"', '')
  if (plain.startsWith('"')) {
    const { text, end } = quotedText(plain)
    // Who writes Windows paths rarely knows of escapes, and neither do all who read them.
    return { name, readings: distinct([text, unquoted]), irregular: end !== plain.length }
  }
  const [word = ''] = plain.split(/[ \t]/, 1)
  return { name, readings: distinct([plain, word, raw, unquoted]), irregular: word !== raw }
}

/** The text between the quotes at the beginning; `end`: after the closing quote, or 0 without one. */
function quotedText(text: string): { readonly text: string; readonly end: number } {
  let out = ''
  for (let at = 1; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '"') return { text: out, end: at + 1 }
    if (char === '\\' && at + 1 < text.length) out += text[++at]
    else out += char
  }
  return { text: out, end: 0 }
}

export function distinct<T>(items: readonly [T, ...T[]]): readonly [T, ...T[]] {
  const [first, ...rest] = items
  const others = new Set(rest)
  others.delete(first)
  return [first, ...others]
}
