import { hash } from 'node:crypto'
import { cryptBase64 } from './crypt-base64.ts'

/** What differs between `$5$` and `$6$`. */
interface Kind {
  readonly digestBytes: number
  /** In which order the bytes of the digest are written. */
  readonly order: readonly number[]
}

const kinds: { readonly [K in ShaCrypt['kind']]: Kind } = {
  sha256: { digestBytes: 32, order: [...triples([20, 10, 0], 10, 2), 30, 31] },
  sha512: { digestBytes: 64, order: [...triples([42, 21, 0], 21, 1), 63] },
}

/** Each triple is the one before it plus one, turned by `turn`. */
function triples(first: readonly number[], count: number, turn: number): readonly number[] {
  const all: number[] = []
  for (let triple = first, made = 0; made < count; made++) {
    all.push(...triple)
    const next = triple.map((at) => at + 1)
    triple = [...next.slice(-turn), ...next.slice(0, -turn)]
  }
  return all
}

export interface ShaCrypt {
  readonly kind: 'sha256' | 'sha512'
  /** At most 16 bytes. */
  readonly salt: Uint8Array
  readonly rounds: number
}

/**
 * `$5$` and `$6$` (Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", whose steps the numbers name).
 * @returns the 43 or 86 characters after the salt
 */
export function shaCrypt(password: Uint8Array, { kind, salt, rounds }: ShaCrypt): string {
  const { digestBytes, order } = kinds[kind]
  const digestOf = (...parts: readonly Uint8Array[]): Buffer =>
    hash(kind, Buffer.concat(parts), 'buffer')
  // 4-8
  const mixed = digestOf(password, salt, password)
  // 1-3, 9-12
  const parts = [password, salt, stretched(mixed, password.length)]
  for (let bits = password.length; bits > 0; bits >>>= 1) {
    parts.push((bits & 1) === 1 ? mixed : password)
  }
  let digest = digestOf(...parts)
  // 13-16
  const p = stretched(
    digestOf(...Array<Uint8Array>(password.length).fill(password)),
    password.length,
  )
  // 17-20
  const repeats = 16 + (digest[0] ?? 0)
  const s = stretched(digestOf(...Array<Uint8Array>(repeats).fill(salt)), salt.length)
  // 21: into one buffer, for it is done a great many times.
  const buffer = Buffer.alloc(digestBytes + 2 * p.length + s.length)
  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1
    let length = 0
    const add = (bytes: Uint8Array): void => {
      buffer.set(bytes, length)
      length += bytes.length
    }
    add(odd ? p : digest)
    if (round % 3 !== 0) add(s)
    if (round % 7 !== 0) add(p)
    add(odd ? digest : p)
    digest = hash(kind, buffer.subarray(0, length), 'buffer')
  }
  // 22
  return cryptBase64(Uint8Array.from(order, (at) => digest[at] ?? 0))
}

/** A digest, said again and again up to a length. */
function stretched(digest: Uint8Array, length: number): Buffer {
  return Buffer.alloc(length, digest)
}
