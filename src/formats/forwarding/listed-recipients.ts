/**
 * The recipients on a line of .forward, /etc/aliases or an :include: file, as fastforward and dot-forward read them: from the
 * end, which is what makes `a b` two of them. Text is one character for each byte.
 */
import { parseTokens, unquoted, type Token } from '../inject/tokens.ts'

export type ListedRecipient =
  /** `marked`: with an `@`, so that it is an address and nothing else. */
  | { readonly kind: 'address'; readonly address: string; readonly marked: boolean }
  | { readonly kind: 'include'; readonly path: string }
  /** The line makes no sense; what was found before stands. */
  | { readonly kind: 'unreadable' }

export interface ListReading {
  /** Whether `:include:` means anything. */
  readonly includes: boolean
}

/** @returns the last first */
export function* listedRecipients(line: string, reading: ListReading): Generator<ListedRecipient> {
  const tokens = parseTokens(line)
  if (tokens === undefined) yield { kind: 'unreadable' }
  else yield* new ListReader(tokens, reading).read()
}

class ListReader {
  readonly #tokens: readonly Token[]
  readonly #includes: boolean
  #at: number
  /** Backwards. */
  #address: Token[] = []
  /** Whether the word before may belong to the address that is being read. */
  #joins = true

  constructor(tokens: readonly Token[], { includes }: ListReading) {
    this.#tokens = tokens
    this.#includes = includes
    this.#at = tokens.length
  }

  *read(): Generator<ListedRecipient> {
    for (let token = this.#take(); token !== undefined; token = this.#take()) {
      switch (token.type) {
        case 'semicolon':
        case 'comment':
          break
        case 'colon':
          if (this.#isInclude()) yield { kind: 'include', path: unquoted(this.#taken()) }
          break
        case 'comma':
          yield* this.#flush()
          this.#joins = true
          break
        case 'right':
          yield* this.#flush()
          while (this.#at > 0 && this.#next?.type !== 'left') this.#keep(this.#take())
          yield this.#got()
          if (this.#take() === undefined) {
            yield { kind: 'unreadable' }
            return
          }
          while (isOfPhrase(this.#next)) this.#at -= 1
          this.#joins = false
          break
        case 'atom':
        case 'quoted':
        case 'literal':
          if (!this.#joins) yield* this.#flush()
          this.#joins = false
          this.#keep(token)
          break
        case 'left':
        case 'at':
        case 'dot':
          this.#joins = true
          this.#keep(token)
      }
    }
    yield* this.#flush()
  }

  get #next(): Token | undefined {
    return this.#tokens[this.#at - 1]
  }

  #take(): Token | undefined {
    const token = this.#next
    if (token !== undefined) this.#at -= 1
    return token
  }

  #keep(token: Token | undefined): void {
    if (token !== undefined) this.#address.push(token)
  }

  /** Behind `:include:`, of which two parts are still to be taken. */
  #isInclude(): boolean {
    const word = this.#next
    if (!this.#includes || word?.type !== 'atom' || word.text !== 'include') return false
    if (this.#tokens[this.#at - 2]?.type !== 'colon') return false
    this.#at -= 2
    return true
  }

  *#flush(): Generator<ListedRecipient> {
    if (this.#address.length > 0) yield this.#got()
  }

  #got(): ListedRecipient {
    const tokens = this.#taken()
    const marked = tokens.some(({ type }) => type === 'at')
    return { kind: 'address', address: unquoted(tokens), marked }
  }

  #taken(): readonly Token[] {
    const tokens = this.#address.toReversed()
    this.#address = []
    return tokens
  }
}

function isOfPhrase(token: Token | undefined): boolean {
  if (token === undefined) return false
  return 'text' in token ? token.type !== 'literal' : token.type === 'at' || token.type === 'dot'
}
