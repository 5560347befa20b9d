/** Characters of a script, and the words and operators in them. */
import {
  ShellSyntaxError,
  type Command,
  type Otherwise,
  type Word,
  type WordPart,
} from './shell-syntax.ts'

/** `text` of an operator is the operator; a newline is one. */
export type Token =
  | { readonly token: 'word'; readonly word: Word; readonly raw: string; readonly line: number }
  | { readonly token: 'operator'; readonly text: string; readonly line: number }
  | { readonly token: 'end'; readonly line: number }

export interface WordSource {
  readonly text: string
  /** Of its first character: what is quoted begins somewhere within another script. */
  readonly line: number
  readonly depth: number
  readonly parse: (text: string, line: number, depth: number) => readonly Command[]
}

const operators = [
  '&&',
  '||',
  ';;',
  '>>',
  '<<',
  '>&',
  '<&',
  '\n',
  ';',
  '|',
  '&',
  '<',
  '>',
  '(',
  ')',
]
const nameAt = /[A-Za-z_][A-Za-z0-9_]*/y
const otherwiseAt = /(:?)[-=?+]/y
const signs = ['-', '=', '?', '+'] as const
const deepest = 8

export class WordReader {
  readonly #source: WordSource
  readonly #text: string
  #at = 0
  #line: number
  #braces = 0
  /** The words that end those that begin behind this line. */
  readonly #documents: string[] = []

  constructor(source: WordSource) {
    this.#source = source
    this.#text = source.text
    this.#line = source.line
  }

  next(): Token {
    this.#skipBlanks()
    const line = this.#line
    if (this.#at >= this.#text.length) return { token: 'end', line }
    const text = operators.find((each) => this.#text.startsWith(each, this.#at))
    if (text === undefined) {
      const from = this.#at
      const word = this.#word(false)
      return { token: 'word', word, raw: this.#text.slice(from, this.#at), line }
    }
    this.#at += text.length
    if (text === '\n') {
      this.#line += 1
      for (const end of this.#documents.splice(0)) this.#skipDocument(end)
    }
    return { token: 'operator', text, line }
  }

  /** Behind the end of this line stands what a program reads, up to a line that is this word; behind `-` tabs do not count. */
  expectDocument(word: string): void {
    this.#documents.push(word.replaceAll(/['"\\]/g, ''))
  }

  #skipDocument(end: string): void {
    const isIndented = end.startsWith('-')
    const word = isIndented ? end.slice(1) : end
    while (this.#at < this.#text.length) {
      const found = this.#text.indexOf('\n', this.#at)
      const line = this.#text.slice(this.#at, found === -1 ? undefined : found)
      this.#at = found === -1 ? this.#text.length : found + 1
      this.#line += 1
      if ((isIndented ? line.replace(/^\t+/, '') : line) === word) return
    }
  }

  #skipBlanks(): void {
    for (;;) {
      const char = this.#text[this.#at]
      if (char === ' ' || char === '\t' || char === '\r') this.#at += 1
      else if (this.#text.startsWith('\\\n', this.#at)) this.#continueLine()
      else if (char === '#') {
        const end = this.#text.indexOf('\n', this.#at)
        this.#at = end === -1 ? this.#text.length : end
      } else return
    }
  }

  #continueLine(): void {
    this.#at += 2
    this.#line += 1
  }

  /** @param inBraces it ends at the `}` of `${NAME:-word}`, and blanks belong to it */
  #word(inBraces: boolean): Word {
    const parts: WordPart[] = []
    let quoted = false
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined || (inBraces ? char === '}' : ' \t\r\n;|&<>()'.includes(char))) break
      if (char === "'") {
        quoted = true
        parts.push({ part: 'text', text: this.#upTo("'"), quoted: true })
      } else if (char === '"') {
        quoted = true
        this.#doubleQuoted(parts)
      } else if (char === '\\') this.#escaped(parts)
      else if (char === '$' || char === '`') this.#expansion(parts, false)
      else {
        parts.push({ part: 'text', text: char, quoted: false })
        this.#at += 1
      }
    }
    return { parts: joined(parts), quoted }
  }

  #escaped(parts: WordPart[]): void {
    if (this.#text.startsWith('\\\n', this.#at)) {
      this.#continueLine()
      return
    }
    parts.push({ part: 'text', text: this.#text[this.#at + 1] ?? '', quoted: true })
    this.#at += 2
  }

  /** Past an opening quote, up to the one that ends it. */
  #upTo(quote: string): string {
    const end = this.#text.indexOf(quote, this.#at + 1)
    if (end === -1) throw new ShellSyntaxError(this.#line, `a ${quote} is never closed`)
    const text = this.#text.slice(this.#at + 1, end)
    this.#line += text.split('\n').length - 1
    this.#at = end + 1
    return text
  }

  #doubleQuoted(parts: WordPart[]): void {
    this.#at += 1
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) throw new ShellSyntaxError(this.#line, 'a " is never closed')
      if (char === '"') {
        this.#at += 1
        return
      }
      const after = this.#text[this.#at + 1] ?? ''
      if (char === '\\' && after === '\n') this.#continueLine()
      else if (char === '\\' && '$`"\\'.includes(after) && after !== '') {
        parts.push({ part: 'text', text: after, quoted: true })
        this.#at += 2
      } else if (char === '$' || char === '`') this.#expansion(parts, true)
      else {
        if (char === '\n') this.#line += 1
        parts.push({ part: 'text', text: char, quoted: true })
        this.#at += 1
      }
    }
  }

  #expansion(parts: WordPart[], quoted: boolean): void {
    const rest = this.#text.slice(this.#at, this.#at + 3)
    if (rest.startsWith('`')) {
      const line = this.#line
      const text = this.#upTo('`').replaceAll(/\\([`$\\])/g, '$1')
      parts.push(this.#output(text, line, quoted))
    } else if (rest === '$((')
      throw new ShellSyntaxError(this.#line, 'arithmetic is not understood')
    else if (rest.startsWith('$(')) this.#parenthesized(parts, quoted)
    else if (rest.startsWith('${')) this.#braced(parts, quoted)
    else {
      this.#at += 1
      const name = this.#name() ?? this.#special()
      if (name === undefined) parts.push({ part: 'text', text: '$', quoted })
      else parts.push({ part: 'variable', name, quoted })
    }
  }

  #output(text: string, line: number, quoted: boolean): WordPart {
    const { depth, parse } = this.#source
    if (depth >= deepest) throw new ShellSyntaxError(line, 'commands within commands go too deep')
    return { part: 'output', script: parse(text, line, depth + 1), text: text.trim(), quoted }
  }

  /** Quotes within it may hold parentheses. */
  #parenthesized(parts: WordPart[], quoted: boolean): void {
    const line = this.#line
    const from = this.#at + 2
    let open = 1
    let quote = ''
    let at = from
    for (; at < this.#text.length && open > 0; at++) {
      const char = this.#text[at] ?? ''
      if (quote !== '') {
        if (char === quote) quote = ''
      } else if (char === "'" || char === '"') quote = char
      else if (char === '(') open += 1
      else if (char === ')') open -= 1
    }
    if (open > 0) throw new ShellSyntaxError(line, 'a $( is never closed')
    const text = this.#text.slice(from, at - 1)
    this.#line += text.split('\n').length - 1
    this.#at = at
    parts.push(this.#output(text, line, quoted))
  }

  #braced(parts: WordPart[], quoted: boolean): void {
    const line = this.#line
    if (this.#braces >= deepest) throw new ShellSyntaxError(line, '${…} go too deep')
    this.#braces += 1
    this.#at += 2
    const name = this.#name()
    const otherwise = this.#otherwise()
    if (name === undefined || this.#text[this.#at] !== '}') {
      const problem = 'of ${…} only ${NAME} and ${NAME:-text}, with - = + or ?, are understood'
      throw new ShellSyntaxError(line, problem)
    }
    this.#at += 1
    this.#braces -= 1
    parts.push({
      part: 'variable',
      name,
      quoted,
      ...(otherwise === undefined ? {} : { otherwise }),
    })
  }

  #otherwise(): Otherwise | undefined {
    otherwiseAt.lastIndex = this.#at
    const [found = '', colon] = otherwiseAt.exec(this.#text) ?? []
    const sign = signs.find((each) => found.endsWith(each))
    if (sign === undefined) return undefined
    this.#at += found.length
    return { word: this.#word(true), sign, even: colon === ':' }
  }

  #name(): string | undefined {
    nameAt.lastIndex = this.#at
    const [name] = nameAt.exec(this.#text) ?? []
    this.#at += name?.length ?? 0
    return name
  }

  /** `$1`, `$@`, `$?` … */
  #special(): string | undefined {
    const char = this.#text[this.#at] ?? ''
    if (char === '' || !'0123456789@*#?$!-'.includes(char)) return undefined
    this.#at += 1
    return char
  }
}

/** Neighbouring texts are one, where both are quoted or neither is. */
function joined(parts: readonly WordPart[]): readonly WordPart[] {
  const all: WordPart[] = []
  for (const part of parts) {
    const last = all.at(-1)
    if (part.part === 'text' && last?.part === 'text' && last.quoted === part.quoted) {
      all[all.length - 1] = { ...part, text: last.text + part.text }
    } else all.push(part)
  }
  return all
}
