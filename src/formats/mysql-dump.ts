/**
 * The rows that a dump of MySQL or MariaDB inserts (mysqldump, phpMyAdmin). Only CREATE TABLE, for the order of columns,
 * and INSERT or REPLACE … VALUES are understood; every other statement is skipped. One pass, bounded.
 */
import { latin1Bytes, readable } from './octets.ts'

export type DumpRow = ReadonlyMap<string, string | null>

export interface MysqlDump {
  /** By table. */
  readonly rows: ReadonlyMap<string, readonly DumpRow[]>
  /** What could not be read, such as a dump that is cut off. */
  readonly mistakes: readonly string[]
}

export interface DumpLimits {
  /** Of all tables together. */
  readonly rows: number
  /** Bytes of one value. */
  readonly value: number
}

const usualLimits: DumpLimits = { rows: 2_000_000, value: 65_536 }

/** @param columns undefined where the dump has not said them */
export type IsWanted = (table: string, columns: readonly string[] | undefined) => boolean

/**
 * @param text one character for each byte, as `latin1` makes it: a dump may be in another charset than UTF-8, and hold bytes
 *   of none beside text. Each value is decoded on its own.
 * @param isWanted whether the rows of such a table are; both in lower case
 */
export function parseMysqlDump(
  text: string,
  isWanted: IsWanted,
  limits: DumpLimits = usualLimits,
): MysqlDump {
  const reader = new DumpReader(text, { isWanted, limits })
  reader.read()
  return { rows: reader.rows, mistakes: reader.mistakes }
}

interface QuotedToken {
  readonly kind: 'name' | 'string'
  readonly text: string
}

type Token =
  | QuotedToken
  | { readonly kind: 'word' | 'mark'; readonly text: string }
  | { readonly kind: 'end' }

class Unreadable extends Error {}

class DumpReader {
  readonly rows = new Map<string, DumpRow[]>()
  readonly mistakes: string[] = []
  readonly #text: string
  readonly #isWanted: IsWanted
  readonly #limits: DumpLimits
  readonly #columns = new Map<string, readonly string[]>()
  #at = 0
  #token: Token = { kind: 'end' }
  #count = 0
  /** What nobody wants is not kept, and may be as long as it likes: another database's pictures, for one. */
  #keepsValues = true

  constructor(
    text: string,
    { isWanted, limits }: { readonly isWanted: IsWanted; readonly limits: DumpLimits },
  ) {
    this.#text = text
    this.#isWanted = isWanted
    this.#limits = limits
  }

  read(): void {
    try {
      for (this.#next(); this.#token.kind !== 'end'; this.#next()) this.#statement()
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      this.mistakes.push(`line ${this.#line()}: ${error.message}; what follows is not read`)
    }
  }

  #statement(): void {
    if (this.#isWord('create')) this.#create()
    else if (this.#isWord('insert') || this.#isWord('replace')) this.#insert()
    else if (this.#isWord('delimiter')) return this.#skipRoutines()
    this.#keepsValues = false
    while (!this.#isMark(';') && this.#token.kind !== 'end') this.#next()
    this.#keepsValues = true
  }

  /** Between two `DELIMITER` lines stand procedures, triggers and events: what those would insert is in no table. */
  #skipRoutines(): void {
    const back = /^delimiter[ \t]+;[ \t]*\r?$/gim
    back.lastIndex = this.#text.lastIndexOf('\n', this.#at - 1) + 1
    if (!back.test(this.#text))
      throw new Unreadable('DELIMITER is not set back: the dump ends within a routine')
    this.#at = back.lastIndex
  }

  /** `CREATE TABLE name (column type …, KEY …)`: what begins each part that is no key. */
  #create(): void {
    this.#next()
    if (!this.#isWord('table')) return
    this.#skipWords()
    const table = this.#tableName()
    if (table === undefined || !this.#isMark('(')) return
    const columns: string[] = []
    let depth = 1
    this.#next()
    for (let first = true; depth > 0; this.#next()) {
      const token = this.#token
      if (token.kind === 'end') throw new Unreadable('the dump ends within a table')
      if (first && (isQuoted(token) || (token.kind === 'word' && !isKeyWord(token.text)))) {
        columns.push(token.text.toLowerCase())
      }
      if (this.#isMark('(')) depth += 1
      if (this.#isMark(')')) depth -= 1
      first = depth === 1 && this.#isMark(',')
    }
    this.#columns.set(table, columns)
  }

  #insert(): void {
    this.#skipWords('into')
    const table = this.#tableName()
    if (table === undefined) return
    const named = this.#isMark('(')
      ? this.#list().map((name) => (name ?? '').toLowerCase())
      : undefined
    if (!this.#isWord('values') && !this.#isWord('value')) return
    const columns = named ?? this.#columns.get(table)
    if (!this.#isWanted(table, columns)) return
    if (columns === undefined) {
      const remedy = 'dump it with its CREATE TABLE, or with --complete-insert'
      this.mistakes.push(`line ${this.#line()}: the columns of ${table} are not known: ${remedy}`)
      return
    }
    const rows = this.rows.get(table) ?? []
    this.rows.set(table, rows)
    this.#next()
    while (this.#isMark('(')) {
      const values = this.#list()
      if (values.length !== columns.length) {
        const counts = `${values.length} values for ${columns.length} columns`
        if (this.mistakes.length < 100)
          this.mistakes.push(`line ${this.#line()}: ${counts} of ${table}`)
      } else if (++this.#count > this.#limits.rows) throw new Unreadable('there are too many rows')
      else rows.push(new Map(columns.map((column, at) => [column, values[at] ?? null])))
      if (this.#isMark(',')) this.#next()
    }
  }

  /** From an opening bracket to behind its end. NULL is null; words with an underscore before a string are its charset. */
  #list(): (string | null)[] {
    const values: (string | null)[] = []
    for (this.#next(); !this.#isMark(')'); this.#next()) {
      const token = this.#token
      if (token.kind === 'end' || this.#isMark(';')) throw new Unreadable('a row has no end')
      if (token.kind === 'mark') continue
      if (token.kind === 'word' && token.text.startsWith('_')) continue
      const notation = token.kind === 'word' && this.#text[this.#at] === "'" ? token.text : ''
      if (/^[bnx]$/i.test(notation)) {
        this.#next()
        values.push(this.#token.kind === 'string' ? notated(notation, this.#token.text) : null)
      } else values.push(token.kind === 'word' ? valueOf(token.text) : token.text)
    }
    this.#next()
    return values
  }

  /** @param last the word that is skipped last; without it, all that a table's name may come after */
  #skipWords(last?: string): void {
    do this.#next()
    while (
      this.#token.kind === 'word' &&
      !this.#isWord(last ?? '') &&
      skipped.has(this.#token.text.toLowerCase())
    )
    if (last !== undefined && this.#isWord(last)) this.#next()
  }

  /** `name` or `database`.`name`; ANSI's quotes are double ones. */
  #tableName(): string | undefined {
    let name: string | undefined
    while (isQuoted(this.#token) || this.#token.kind === 'word') {
      name = this.#token.text.split('.').at(-1)?.toLowerCase()
      this.#next()
      if (!this.#isMark('.')) break
      this.#next()
    }
    return name
  }

  #isWord(word: string): boolean {
    return this.#token.kind === 'word' && this.#token.text.toLowerCase() === word
  }

  #isMark(mark: string): boolean {
    return this.#token.kind === 'mark' && this.#token.text === mark
  }

  #next(): void {
    this.#skipBlank()
    const first = this.#text[this.#at]
    if (first === undefined) this.#token = { kind: 'end' }
    else if (first === '`') this.#token = { kind: 'name', text: this.#quoted('`') }
    else if (first === "'" || first === '"') {
      this.#token = { kind: 'string', text: this.#quoted(first) }
    } else if (isWordPart(first)) {
      const from = this.#at
      while (isWordPart(this.#text[this.#at] ?? '')) this.#at += 1
      this.#token = { kind: 'word', text: this.#text.slice(from, this.#at) }
    } else {
      this.#at += 1
      this.#token = { kind: 'mark', text: first }
    }
  }

  #skipBlank(): void {
    for (;;) {
      const first = this.#text[this.#at] ?? ''
      if (/^\s$/.test(first)) this.#at += 1
      else if (first === '#' || this.#text.startsWith('-- ', this.#at) || this.#endsLineAt('--')) {
        const end = this.#text.indexOf('\n', this.#at)
        this.#at = end < 0 ? this.#text.length : end + 1
      } else if (
        this.#text.startsWith('/*!', this.#at) ||
        this.#text.startsWith('/*M!', this.#at)
      ) {
        this.#skipConditional()
      } else if (this.#text.startsWith('/*', this.#at)) {
        const end = this.#text.indexOf('*/', this.#at + 2)
        if (end < 0) throw new Unreadable('a comment has no end')
        this.#at = end + 2
      } else return
    }
  }

  /** A statement for servers of some version, such as a view: within its strings, the end of a comment is none. */
  #skipConditional(): void {
    const marks = /['"`]|\*\//g
    const isKept = this.#keepsValues
    this.#keepsValues = false
    for (let from = this.#at + 2; ; from = this.#at) {
      marks.lastIndex = from
      const found = marks.exec(this.#text)
      if (found === null) throw new Unreadable('a comment has no end')
      this.#at = found.index
      if (found[0] === '*/') break
      this.#quoted(found[0])
    }
    this.#at += 2
    this.#keepsValues = isKept
  }

  /** mysqldump draws lines of two hyphens alone. */
  #endsLineAt(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.#at)) return false
    const behind = this.#text[this.#at + mark.length]
    return behind === undefined || behind === '\n' || behind === '\r'
  }

  /** From a quote to behind the same: doubled it stands for itself, and in strings a backslash escapes. */
  #quoted(quote: string): string {
    const parts: string[] = []
    let size = 0
    const isKept = this.#keepsValues
    const special = quote === '`' ? /`/g : quote === "'" ? /['\\]/g : /["\\]/g
    let from = this.#at + 1
    for (;;) {
      special.lastIndex = from
      const at = special.exec(this.#text)?.index
      if (at === undefined) throw new Unreadable('a text has no end')
      if (isKept) {
        parts.push(this.#text.slice(from, at))
        size += at - from + 1
        if (size > this.#limits.value) throw new Unreadable('a value is too long')
      }
      const behind = this.#text[at + 1]
      if (this.#text[at] === '\\') {
        if (behind === undefined) throw new Unreadable('a text has no end')
        if (isKept) parts.push(escapes.get(behind) ?? behind)
      } else if (behind === quote) {
        if (isKept) parts.push(quote)
      } else {
        this.#at = at + 1
        return isKept ? readable(latin1Bytes(parts.join(''))) : ''
      }
      from = at + 2
    }
  }

  #line(): number {
    return this.#text.slice(0, this.#at).split('\n').length
  }
}

const skipped = new Set([
  'table',
  'if',
  'not',
  'exists',
  'low_priority',
  'delayed',
  'high_priority',
  'ignore',
  'into',
])

const keyWords = new Set([
  'key',
  'primary',
  'unique',
  'index',
  'constraint',
  'foreign',
  'fulltext',
  'spatial',
  'check',
])

/** Where a name is due, what stands in quotes is one: double quotes are strings elsewhere. */
function isQuoted(token: Token): token is QuotedToken {
  return token.kind === 'name' || token.kind === 'string'
}

function isKeyWord(word: string): boolean {
  return keyWords.has(word.toLowerCase())
}

function isWordPart(char: string): boolean {
  return /^[\w$.+@-]$/.test(char) || char > '\x7F'
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['b', '\b'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['Z', '\x1A'],
])

/** `x'6162'` is a text in hexadecimal, `b'101'` a number, `n'text'` a text. */
function notated(notation: string, text: string): string {
  if (/^n$/i.test(notation)) return text
  if (/^x$/i.test(notation)) return readable(Buffer.from(text, 'hex'))
  return /^[01]{1,32}$/.test(text) ? String(Number.parseInt(text, 2)) : ''
}

/** A number as it stands; `0x6162` is a text. */
function valueOf(word: string): string | null {
  if (word.toLowerCase() === 'null') return null
  const [, hex] = /^0x((?:[\dA-Fa-f]{2})+)$/.exec(word) ?? []
  return hex === undefined ? word : readable(Buffer.from(hex, 'hex'))
}
