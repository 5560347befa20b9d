/**
 * POSIX extended regular expressions (IEEE 1003.1 §9.4, as glibc reads them) on a matcher that stays linear: each is written
 * anew as RE2 understands it, since the two say different things with the same signs: `[\.]` holds a backslash, `a**` is allowed,
 * `(?i)` is not, and `\d` has no meaning at all. Unanchored, without regard to case. Back-references are refused: nothing linear has them.
 */
import { RE2JS } from 're2js'

export type ExtendedExpression =
  | { readonly ok: true; matches(text: string): boolean }
  /** What is wrong with it, in words. */
  | { readonly ok: false; readonly problem: string }

export function extendedExpression(text: string): ExtendedExpression {
  try {
    const pattern = RE2JS.compile(new Translation(text).run(), flags)
    return { ok: true, matches: (subject) => pattern.matcher(subject).find() }
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) }
  }
}

const flags = RE2JS.CASE_INSENSITIVE | RE2JS.DOTALL
/** RE2's own bound; glibc's is 32,767. */
const mostRepetitions = 1_000

/** Letters behind a backslash that stand for one of many. */
const kinds = 'wWsS'

/**
 * Places, which cannot be repeated. A word begins or ends: where a letter must follow or precede, as it does in all that
 * is written, that is a boundary.
 */
const places: ReadonlyMap<string, string> = new Map([
  ['b', '\\b'],
  ['B', '\\B'],
  ['<', '\\b'],
  ['>', '\\b'],
  ['`', '\\A'],
  ["'", '\\z'],
])

const classes: ReadonlySet<string> = new Set(
  'alnum alpha blank cntrl digit graph lower print punct space upper xdigit'.split(' '),
)

/** One pass from left to right. @throws Error with what is wrong */
class Translation {
  readonly #text: string
  #at = 0
  #out = ''
  /** Where in the output the groups begin that are open. */
  readonly #open: number[] = []
  /** Where the last atom begins; undefined where nothing can be repeated. */
  #atom: number | undefined
  #isRepeated = false

  constructor(text: string) {
    this.#text = text
  }

  run(): string {
    while (this.#at < this.#text.length) this.#next()
    if (this.#open.length > 0) throw new Error('a ( without its )')
    return this.#out
  }

  #next(): void {
    const sign = this.#text[this.#at++] ?? ''
    switch (sign) {
      case '\\':
        return this.#escaped()
      case '[':
        return this.#emit(this.#bracket())
      case '(':
        this.#open.push(this.#out.length)
        return this.#begin('(')
      case ')':
        return this.#close()
      case '|':
      case '^':
      case '$':
        return this.#begin(sign)
      case '*':
      case '+':
      case '?':
        return this.#repeat(sign)
      case '{':
        return this.#repeat(this.#interval())
      case '.':
        return this.#emit(sign)
      default:
        return this.#emit(literal(sign))
    }
  }

  #emit(atom: string): void {
    this.#atom = this.#out.length
    this.#isRepeated = false
    this.#out += atom
  }

  /** What follows is the first of its branch, or stands behind a place: there is nothing to repeat. */
  #begin(sign: string): void {
    this.#out += sign
    this.#atom = undefined
  }

  #close(): void {
    const start = this.#open.pop()
    // One that closes nothing is a parenthesis like any other sign.
    if (start === undefined) return this.#emit('\\)')
    this.#out += ')'
    this.#atom = start
    this.#isRepeated = false
  }

  #escaped(): void {
    const sign = this.#text[this.#at++]
    if (sign === undefined) throw new Error('a backslash at the end')
    const place = places.get(sign)
    if (place !== undefined) return this.#begin(place)
    if (kinds.includes(sign)) return this.#emit(`\\${sign}`)
    if (/[1-9]/.test(sign)) throw new Error(`\\${sign}: back-references are not supported`)
    if (/[a-z0]/i.test(sign)) throw new Error(`\\${sign} means nothing; write [0-9] for a digit`)
    this.#emit(literal(sign))
  }

  #repeat(sign: string): void {
    const start = this.#atom
    if (start === undefined) throw new Error(`${sign} repeats nothing`)
    if (this.#isRepeated) this.#out = `${this.#out.slice(0, start)}(?:${this.#out.slice(start)})`
    this.#out += sign
    this.#isRepeated = true
  }

  /** `{2}`, `{2,}`, `{,3}`, `{2,3}`, without the brace that has been read. */
  #interval(): string {
    const [whole, from = '', comma = '', to = ''] =
      /^(\d{0,5})(,?)(\d{0,5})\}/.exec(this.#text.slice(this.#at, this.#at + 13)) ?? []
    if (whole === undefined || (from === '' && comma === ''))
      throw new Error('a { that is no {2,3}')
    this.#at += whole.length
    const least = Number(from)
    if (to !== '' && Number(to) < least) throw new Error(`{${whole} is the wrong way round`)
    if (Math.max(least, Number(to)) > mostRepetitions) {
      throw new Error(`{${whole} is more than ${mostRepetitions}`)
    }
    return `{${least}${comma}${to}}`
  }

  /** `[a-z]`, `[^]a]`, `[[:alpha:]_]`; a backslash in it is one. */
  #bracket(): string {
    let out = '['
    if (this.#text[this.#at] === '^') {
      out += '^'
      this.#at++
    }
    for (let isFirst = true; ; isFirst = false) {
      if (!isFirst && this.#text[this.#at] === ']') break
      const item = this.#item()
      if (!this.#isHyphenWithin()) {
        out += item.written
        continue
      }
      this.#at++
      out += range(item, this.#item())
      if (this.#isHyphenWithin()) throw new Error('a - that is neither first nor last in a [ ]')
    }
    this.#at++
    return `${out}]`
  }

  #isHyphenWithin(): boolean {
    return this.#text[this.#at] === '-' && (this.#text[this.#at + 1] ?? ']') !== ']'
  }

  /** One of the things between brackets; `sign` where it can be the end of a range. */
  #item(): Item {
    const rest = this.#text.slice(this.#at, this.#at + 12)
    if (rest === '') throw new Error('a [ without its ]')
    const [named, kind = '', name = ''] = /^\[([:.=])(.[a-z]{0,6}?)\1\]/s.exec(rest) ?? []
    if (named !== undefined) {
      this.#at += named.length
      if (kind === ':' && classes.has(name)) return { written: named }
      if (kind !== ':' && name.length === 1) return { written: inBrackets(name), sign: name }
      throw new Error(`${named} is unknown`)
    }
    if (/^\[[:.=]/.test(rest)) throw new Error(`${rest.slice(0, 2)} is not closed`)
    const sign = String.fromCodePoint(rest.codePointAt(0) ?? 0)
    this.#at += sign.length
    return { written: inBrackets(sign), sign }
  }
}

interface Item {
  /** As RE2 wants it. */
  readonly written: string
  readonly sign?: string
}

/** Without regard to case, letters are compared as capitals: `[a-B]` is a range. */
function range(from: Item, to: Item): string {
  const [first = '', last = ''] = [from.sign?.toUpperCase(), to.sign?.toUpperCase()]
  if (first === '' || last === '' || first > last) {
    throw new Error(`${from.written}-${to.written} is no range`)
  }
  return `${inBrackets(first)}-${inBrackets(last)}`
}

function literal(sign: string): string {
  return /[\\.*+?()|[\]{}^$]/.test(sign) ? `\\${sign}` : sign
}

function inBrackets(sign: string): string {
  return /[\\[\]^&~-]/.test(sign) ? `\\${sign}` : sign
}
