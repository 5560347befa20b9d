/**
 * Secrets in a text of which nothing is known but how it looks: credentials in a URL, what stands behind a name such as
 * `password=`, and what follows `Bearer`. For whoever shows a configuration to people; what is declared to be a secret is
 * hidden by its declaration, this is the net below. Linear in the text.
 */

/** What stands in its place. */
export const secretMask = '***'

export interface Span {
  readonly from: number
  /** Behind its last character. */
  readonly to: number
}

const words = String.raw`passwords?|passwd|passphrase|secrets?|tokens?|credentials?|api[_-]?keys?|private[_-]?keys?|authorization`
const secretName = new RegExp(words, 'i')
/** It says where the secret is, or how many there are. */
const noSecret = /(?:file|path|dir|folder|lifetime|length|count|name|url)s?$/i
/** A name, what separates it, and the beginning of its value. Repetitions are bounded, so that no text makes it slow. */
const named = new RegExp(
  String.raw`(?<![\w-])[\w-]{0,40}(?:${words})[\w-]{0,40}["']?[ \t]{0,8}[=:][ \t]{0,8}`,
  'gi',
)
const scheme = /\b(?:bearer|basic)[ \t]{1,4}(?=[\w.~+/-]{8})/gi
const endOfValue = /[\s"'&,;{}[\]()]/g
const endOfAuthority = /[\s/?#"'<>]/g

/** Whether a key, an option or a variable of that name holds a secret itself. */
export function isSecretName(name: string): boolean {
  return secretName.test(name) && !noSecret.test(name)
}

/** @returns the text with `***` in place of what looks like a secret */
export function withoutSecrets(text: string): string {
  let shown = ''
  let end = 0
  for (const { from, to } of secretSpans(text)) {
    shown += text.slice(end, from) + secretMask
    end = to
  }
  return end === 0 ? text : shown + text.slice(end)
}

/** Where they are: in order, none touches another. */
export function secretSpans(text: string): readonly Span[] {
  const found = [...inAddresses(text), ...behindNames(text), ...behindSchemes(text)]
  const spans: Span[] = []
  for (const span of found.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    if (span.from < (spans.at(-1)?.to ?? 0) || span.from >= span.to) continue
    spans.push(span)
  }
  return spans
}

/** `scheme://user:password@host`; where there is no colon, all of it may be a token. */
function* inAddresses(text: string): Iterable<Span> {
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    const from = at + 3
    const authority = text.slice(from, endAt(text, from, endOfAuthority))
    const sign = authority.lastIndexOf('@')
    if (sign <= 0) continue
    const colon = authority.indexOf(':')
    yield { from: from + (colon >= 0 && colon < sign ? colon + 1 : 0), to: from + sign }
  }
}

function* behindNames(text: string): Iterable<Span> {
  for (const match of text.matchAll(named)) {
    const [name = ''] = match[0].split(/["'\s=:]/, 1)
    if (noSecret.test(name) || isProse(text, match.index)) continue
    const from = match.index + match[0].length
    const quote = text[from]
    if (quote === '"' || quote === "'") {
      const close = text.indexOf(quote, from + 1)
      yield { from: from + 1, to: close < 0 ? endOfLine(text, from) : close }
    } else if (/^authorization$/i.test(name)) {
      yield { from, to: endOfLine(text, from) }
    } else {
      const to = endAt(text, from, endOfValue)
      if (!/^(?:true|false|null|~|\*\*\*)$/.test(text.slice(from, to))) yield { from, to }
    }
  }
}

/** `the password: see below` is a sentence, `password: hush` is not. */
function isProse(text: string, at: number): boolean {
  return /[\p{L}\p{N}.,] $/u.test(text.slice(Math.max(0, at - 2), at))
}

function* behindSchemes(text: string): Iterable<Span> {
  for (const match of text.matchAll(scheme)) {
    const from = match.index + match[0].length
    yield { from, to: endAt(text, from, endOfValue) }
  }
}

function endAt(text: string, from: number, end: RegExp): number {
  end.lastIndex = from
  return end.exec(text)?.index ?? text.length
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}
