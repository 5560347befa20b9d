/** The addresses of a field: found from its end, which is what makes `a b` two of them, and each rewritten in place. */
import type { Token } from './tokens.ts'

export interface AddressList {
  /** The field again, with every address rewritten. `undefined`: it makes no sense; the addresses before that were found. */
  readonly tokens: readonly Token[] | undefined
  /** In the order in which they are found: the last first. */
  readonly addresses: readonly (readonly Token[])[]
}

/** @param rewrite is given an address without its brackets; `<>` is an empty one */
export function readAddressList(
  tokens: readonly Token[],
  rewrite: (address: readonly Token[]) => readonly Token[],
): AddressList {
  return new BackwardReader(tokens, rewrite).read()
}

class BackwardReader {
  readonly #tokens: readonly Token[]
  readonly #rewrite: (address: readonly Token[]) => readonly Token[]
  readonly #addresses: (readonly Token[])[] = []
  /** Backwards. */
  readonly #out: Token[] = []
  /** Backwards: the address that is being read. */
  #address: Token[] = []
  #at: number
  #inGroup = false
  /** Whether the word before may belong to the address that is being read. */
  #joins = true

  constructor(tokens: readonly Token[], rewrite: (address: readonly Token[]) => readonly Token[]) {
    this.#tokens = tokens
    this.#rewrite = rewrite
    this.#at = tokens.length
  }

  read(): AddressList {
    while (this.#at > 0) {
      const token = this.#take()
      if (!this.#read(token)) return { tokens: undefined, addresses: this.#addresses }
    }
    this.#flush()
    return { tokens: this.#out.toReversed(), addresses: this.#addresses }
  }

  /** @returns whether it made sense */
  #read(token: Token): boolean {
    switch (token.type) {
      case 'semicolon':
        this.#flushWithComma()
        if (this.#inGroup) return false
        this.#inGroup = true
        this.#joins = true
        this.#out.push(token)
        return true
      case 'colon':
        return this.#readGroupName(token)
      case 'right':
        return this.#readRoute(token)
      case 'comma':
        this.#flush()
        this.#joins = true
        this.#out.push(token)
        return true
      case 'comment':
        this.#out.push(token)
        return true
      case 'atom':
      case 'quoted':
      case 'literal':
        if (!this.#joins) this.#flushWithComma()
        this.#joins = false
        this.#address.push(token)
        return true
      case 'left':
      case 'at':
      case 'dot':
        this.#joins = true
        this.#address.push(token)
        return true
    }
  }

  /** `name: a, b;` */
  #readGroupName(colon: Token): boolean {
    this.#flush()
    if (!this.#inGroup) return false
    this.#inGroup = false
    this.#out.push(colon)
    while (this.#at > 0 && this.#next?.type !== 'comma') this.#out.push(this.#take())
    if (this.#at > 0) this.#out.push(this.#take())
    this.#joins = true
    return true
  }

  /** `phrase <address>` */
  #readRoute(right: Token): boolean {
    this.#flushWithComma()
    this.#out.push(right)
    while (this.#at > 0 && this.#next?.type !== 'left') this.#address.push(this.#take())
    this.#got()
    if (this.#at === 0) return false
    this.#out.push(this.#take())
    while (this.#at > 0 && this.#next !== undefined && isOfPhrase(this.#next)) {
      this.#out.push(this.#take())
    }
    this.#joins = false
    return true
  }

  get #next(): Token | undefined {
    return this.#tokens[this.#at - 1]
  }

  #take(): Token {
    this.#at -= 1
    const token = this.#tokens[this.#at]
    if (token === undefined) throw new RangeError('read past the beginning')
    return token
  }

  #flush(): void {
    if (this.#address.length > 0) this.#got()
  }

  /** Where two addresses stood side by side, a comma comes between them. */
  #flushWithComma(): void {
    if (this.#address.length === 0) return
    this.#got()
    this.#out.push({ type: 'comma' })
  }

  #got(): void {
    const address = this.#rewrite(this.#address.toReversed())
    this.#addresses.push(address)
    this.#out.push(...address.toReversed())
    this.#address = []
  }
}

function isOfPhrase(token: Token): boolean {
  return 'text' in token ? token.type !== 'literal' : token.type === 'at' || token.type === 'dot'
}
