/** Completes addresses as qmail-header.5 says: a host for those without, a domain for hosts without a dot. */
import { parseTokens, type Token } from './tokens.ts'

export interface Qualifiers {
  readonly defaultHost: string
  readonly defaultDomain: string
  readonly plusDomain: string
}

/** @param address without brackets. @returns it without its route, and with a full domain; empty stays empty */
export function qualify(address: readonly Token[], qualifiers: Qualifiers): readonly Token[] {
  // The reverse-path of a list with one for each recipient.
  const last = address.at(-1)
  if (last?.type === 'literal' && last.text === '' && address.at(-2)?.type === 'at') return address
  let tokens = withoutRoute(address)
  tokens = withoutLast(tokens, 'dot')
  tokens = withoutLast(tokens, 'at')
  if (tokens.length === 0) return []
  if (!tokens.some(({ type }) => type === 'at')) {
    tokens = [...tokens, { type: 'at' }, ...words(qualifiers.defaultHost)]
  }
  return withDomain(withPlusDomain(tokens, qualifiers.plusDomain), qualifiers.defaultDomain)
}

/** `@one,@two:local@domain` is `local@domain`. */
function withoutRoute(address: readonly Token[]): readonly Token[] {
  if (address[0]?.type !== 'at') return address
  const colon = address.findIndex(({ type }) => type === 'colon')
  return colon < 0 ? [] : address.slice(colon + 1)
}

function withoutLast(tokens: readonly Token[], type: Token['type']): readonly Token[] {
  return tokens.at(-1)?.type === type ? tokens.slice(0, -1) : tokens
}

/** `local@host+` */
function withPlusDomain(tokens: readonly Token[], plusDomain: string): readonly Token[] {
  const last = tokens.at(-1)
  if (last?.type !== 'atom' || !last.text.endsWith('+')) return tokens
  const host: Token = { type: 'atom', text: last.text.slice(0, -1) }
  return [...tokens.slice(0, -1), host, { type: 'dot' }, ...words(plusDomain)]
}

function withDomain(tokens: readonly Token[], defaultDomain: string): readonly Token[] {
  const host = tokens.slice(tokens.findLastIndex(({ type }) => type === 'at') + 1)
  if (host.some(({ type }) => type === 'dot' || type === 'literal')) return tokens
  return [...tokens, { type: 'dot' }, ...words(defaultDomain)]
}

/** A name of ours as tokens. Whether it can be read is known before; elsewhere than in qmail-inject nobody asks. */
function words(name: string): readonly Token[] {
  return parseTokens(name) ?? [{ type: 'quoted', text: name }]
}

/**
 * An address as a program is given it, such as on a command line: everything before the last `@` is the local-part.
 * @returns `undefined` where what follows it cannot be read
 */
export function qualifyArgument(
  argument: string,
  qualifiers: Qualifiers,
): readonly Token[] | undefined {
  const at = argument.lastIndexOf('@')
  const local: Token = { type: 'quoted', text: at < 0 ? argument : argument.slice(0, at) }
  if (argument === '') return []
  if (at < 0) return qualify([local], qualifiers)
  const host = parseTokens(argument.slice(at + 1))
  return host && qualify([local, { type: 'at' }, ...host], qualifiers)
}
