/** The two texts that cdbs are made from: cdbmake's own, which holds any bytes, and cdbmake-12's words. */
import { CdbError, type CdbEntry } from './cdb.ts'
import { latin1, latin1Bytes } from './octets.ts'

const MINUS = 0x2d
const GREATER = 0x3e
const NEWLINE = 0x0a
const PLUS = 0x2b
const COMMA = 0x2c
const COLON = 0x3a
/** cdbmake's own limit: the next digit could exceed 32 bits. */
const LENGTH_LIMIT = 429_496_720

/**
 * Reads `+klen,dlen:key->data` lines up to the empty line that ends them; what follows that line is ignored.
 * @throws CdbError where the text breaks the format, or ends without the empty line
 */
export function* parseCdbmake(text: Uint8Array): Generator<CdbEntry, void> {
  let at = 0
  const expect = (byte: number, what: string): void => {
    if (text[at] !== byte) throw new CdbError(`${what} was expected`, at)
    at++
  }
  const length = (end: number, what: string): number => {
    let value = 0
    for (let digit = digitAt(text, at); digit !== undefined; digit = digitAt(text, ++at)) {
      if (value > LENGTH_LIMIT) throw new CdbError('a length has more than 32 bits', at)
      value = value * 10 + digit
    }
    expect(end, what)
    return value
  }
  const take = (count: number): Uint8Array => {
    if (at + count > text.length) throw new CdbError('the text ends within a record', text.length)
    at += count
    return text.subarray(at - count, at)
  }
  while (text[at] !== NEWLINE) {
    expect(PLUS, 'a "+", or the empty line that ends the text,')
    const keyLength = length(COMMA, 'a digit or ","')
    const valueLength = length(COLON, 'a digit or ":"')
    const key = take(keyLength)
    expect(MINUS, '"->"')
    expect(GREATER, '"->"')
    const value = take(valueLength)
    expect(NEWLINE, 'a newline')
    yield [key, value]
  }
}

/** Writes what `parseCdbmake` reads, the empty line at the end included: what `cdb -d` and cdbdump print. */
export function formatCdbmake(entries: Iterable<CdbEntry>): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [key, value] of entries) {
    parts.push(latin1Bytes(`+${key.length},${value.length}:`), key, latin1Bytes('->'), value)
    parts.push(latin1Bytes('\n'))
  }
  parts.push(latin1Bytes('\n'))
  return Buffer.concat(parts)
}

/**
 * Reads cdbmake-12's text as its awk program does: the first word of a line is the key, the second its value, further words
 * are dropped; empty lines, and lines that begin with `#`, are skipped.
 */
export function* parseCdbmake12(text: Uint8Array): Generator<CdbEntry, void> {
  for (const line of latin1(text).split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [key = '', value = ''] = line.split(/[ \t]+/).filter((word) => word !== '')
    yield [latin1Bytes(key), latin1Bytes(value)]
  }
}

function digitAt(text: Uint8Array, at: number): number | undefined {
  const byte = text[at]
  return byte !== undefined && byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : undefined
}
