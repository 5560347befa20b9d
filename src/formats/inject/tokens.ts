/**
 * Address fields as qmail's programs read and write them: RFC 822 tokens, in all the old forms that people still type.
 * Text is one character for each byte.
 */

export type Token =
  | { readonly type: 'atom' | 'quoted' | 'literal' | 'comment'; readonly text: string }
  | { readonly type: Special }

export type Special = 'left' | 'right' | 'at' | 'comma' | 'colon' | 'semicolon' | 'dot'

const specials: ReadonlyMap<string, Special> = new Map([
  ['<', 'left'],
  ['>', 'right'],
  ['@', 'at'],
  [',', 'comma'],
  [':', 'colon'],
  [';', 'semicolon'],
  ['.', 'dot'],
])

const marks: ReadonlyMap<Special, string> = new Map(
  [...specials].map(([mark, special]) => [special, mark]),
)

/** What ends an atom. A closing bracket does not, though none begins with one. */
const atomEnd = /[ \t\r\n(["<>;:@,.]/
/** An atom with one of these is written as a quoted string. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const needsQuotes = /[\x00-\x1f\x7f-\xff)\]\\]/
const needsBackslash = /["()[\]\\\r\n]/g

/** @returns `undefined` where a quote or a bracket is left open, or one is closed that was never opened */
export function parseTokens(text: string): Token[] | undefined {
  const tokens: Token[] = []
  for (let at = 0; at < text.length;) {
    const step = tokenAt(text, at)
    if (step === undefined) return undefined
    if (step.token !== undefined) tokens.push(step.token)
    at = step.next
  }
  return tokens
}

interface Step {
  readonly token?: Token
  readonly next: number
}

function tokenAt(text: string, at: number): Step | undefined {
  const first = text.charAt(at)
  const special = specials.get(first)
  if (special !== undefined) return { token: { type: special }, next: at + 1 }
  switch (first) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
      return { next: at + 1 }
    case '(':
      return commentAt(text, at)
    case '"':
      return enclosed(text, at, { type: 'quoted', end: '"' })
    case '[':
      return enclosed(text, at, { type: 'literal', end: ']' })
    case ')':
    case ']':
      return undefined
    default:
      return atomAt(text, at)
  }
}

/** A backslash at the very end stands for nothing. */
function atomAt(text: string, from: number): Step {
  let atom = ''
  let at = from
  while (at < text.length && !atomEnd.test(text.charAt(at))) {
    if (text[at] === '\\') at += 1
    atom += text.charAt(at)
    at += 1
  }
  const type = needsQuotes.test(atom) ? 'quoted' : 'atom'
  return { token: { type, text: atom }, next: at }
}

interface Enclosure {
  readonly type: 'quoted' | 'literal'
  readonly end: string
}

function enclosed(text: string, from: number, { type, end }: Enclosure): Step | undefined {
  let inside = ''
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === end) return { token: { type, text: inside }, next: at + 1 }
    if (text[at] === '\\') at += 1
    inside += text.charAt(at)
  }
  return undefined
}

/** Comments may lie in comments; the inner brackets are lost, as they always were. */
function commentAt(text: string, from: number): Step | undefined {
  let inside = ''
  let depth = 1
  for (let at = from + 1; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (character === '(') depth += 1
    else if (character === ')') depth -= 1
    else if (character === '\\') {
      at += 1
      inside += text.charAt(at)
    } else inside += character
    if (depth === 0) return { token: { type: 'comment', text: inside }, next: at + 1 }
  }
  return undefined
}

/** As an address is given to a program: no quotes, no comments. */
export function unquoted(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      if (!('text' in token)) return marks.get(token.type) ?? ''
      if (token.type === 'comment') return ''
      return token.type === 'literal' ? `[${token.text}]` : token.text
    })
    .join('')
}

/** Lines are folded behind commas where they would be longer. */
const longestLine = 80

/** As a header field is written, without a line end. The field's name and colon are its first tokens. */
export function formatTokens(tokens: readonly Token[]): string {
  const segments: string[] = []
  let segment = ''
  let previous: Token | undefined
  for (const token of tokens) {
    if (needsSpace(previous, token)) segment += ' '
    segment += formatToken(token)
    if (token.type === 'comma') {
      segments.push(segment)
      segment = ''
    }
    previous = token
  }
  segments.push(segment)
  return fold(segments)
}

function formatToken(token: Token): string {
  if (!('text' in token)) return marks.get(token.type) ?? ''
  const text = token.text.replace(needsBackslash, '\\$&')
  switch (token.type) {
    case 'atom':
      return text
    case 'quoted':
      return `"${text}"`
    case 'literal':
      return `[${text}]`
    case 'comment':
      return `(${text})`
  }
}

function needsSpace(before: Token | undefined, token: Token): boolean {
  if (before === undefined) return false
  if (before.type === 'colon' || before.type === 'comma' || token.type === 'left') return true
  return 'text' in before && 'text' in token
}

/** As much on a line as fits, a comma at the end of each that is not the last. */
function fold(segments: readonly string[]): string {
  const lines: string[] = []
  let line = ''
  for (const [index, segment] of segments.entries()) {
    if (index === 0) line = segment
    else if (line.length + segment.length + foldBytes <= longestLine) line += segment
    else {
      lines.push(line)
      line = ` ${segment}`
    }
  }
  return [...lines, line].join('\n')
}

/** What a fold would take is counted in, even where none is made. */
const foldBytes = 2
