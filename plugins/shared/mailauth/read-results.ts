/** What an Authentication-Results field says (RFC 8601 §2.2), as far as it can be read. Linear, and never throws. */

export interface MethodResult {
  /** `spf`, `dkim`; in lower case, as the result. */
  readonly method: string
  readonly result: string
  readonly reason?: string
  /** By name, `header.from`, in lower case; without quotes. */
  readonly properties: ReadonlyMap<string, string>
}

/** @param value of the field; what stands before the first semicolon is its author, or an ARC instance */
export function readResults(value: string): readonly MethodResult[] {
  const [, ...segments] = withoutComments(value) ?? []
  return segments.flatMap((segment) => {
    const read = readSegment(new Cursor(segment))
    return read === undefined ? [] : [read]
  })
}

/** Split at semicolons; each comment is a blank. @returns undefined where a comment or a quote has no end */
function withoutComments(text: string): readonly string[] | undefined {
  const segments: string[] = []
  let segment = ''
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const c = text.charAt(at)
    const escaped = c === '\\' && (quoted || depth > 0)
    if (escaped) at += 1
    if (depth > 0) {
      if (c === '(') depth += 1
      else if (c === ')') depth -= 1
    } else if (escaped) segment += c + text.charAt(at)
    else if (c === '(' && !quoted) {
      depth = 1
      segment += ' '
    } else if (c === ';' && !quoted) {
      segments.push(segment)
      segment = ''
    } else {
      if (c === '"') quoted = !quoted
      segment += c
    }
  }
  return depth > 0 || quoted ? undefined : [...segments, segment]
}

function readSegment(cursor: Cursor): MethodResult | undefined {
  const method = cursor.word().toLowerCase()
  if (cursor.took('/')) cursor.word()
  if (method === '' || !cursor.took('=')) return undefined
  const result = cursor.word().toLowerCase()
  if (result === '') return undefined
  const properties = new Map<string, string>()
  let reason: string | undefined
  for (;;) {
    const first = cursor.word().toLowerCase()
    if (first === 'reason' && properties.size === 0 && cursor.took('=')) {
      reason = cursor.value()
      continue
    }
    if (first === '' || !cursor.took('.')) break
    const name = cursor.word().toLowerCase()
    if (name === '' || !cursor.took('=')) break
    properties.set(`${first}.${name}`, cursor.value())
  }
  return { method, result, ...(reason === undefined ? {} : { reason }), properties }
}

class Cursor {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Letters, digits, hyphens and underscores, behind blanks; may be empty. */
  word(): string {
    this.#blanks()
    const from = this.#at
    while (/[\w-]/.test(this.#text.charAt(this.#at))) this.#at += 1
    return this.#text.slice(from, this.#at)
  }

  took(wanted: string): boolean {
    this.#blanks()
    if (this.#text.charAt(this.#at) !== wanted) return false
    this.#at += 1
    return true
  }

  /** Up to the next blank; what is quoted loses its quotes. */
  value(): string {
    this.#blanks()
    let out = ''
    let quoted = false
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charAt(this.#at)
      if (c === '"') quoted = !quoted
      else if (c === '\\' && quoted) out += this.#text.charAt(++this.#at)
      else if (!quoted && /\s/.test(c)) break
      else out += c
    }
    return out
  }

  #blanks(): void {
    while (this.#at < this.#text.length && /\s/.test(this.#text.charAt(this.#at))) this.#at += 1
  }
}
