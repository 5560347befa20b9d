import { hash } from 'node:crypto'
import { cryptBase64 } from './crypt-base64.ts'

const md5 = (...parts: readonly Uint8Array[]): Buffer => hash('md5', Buffer.concat(parts), 'buffer')

const rounds = 1_000
const none = new Uint8Array()
/** In which order the bytes of the digest are written. */
const order = [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11]

/** `$1$` (Poul-Henning Kamp). @returns the 22 characters after the salt */
export function md5Crypt(password: Uint8Array, salt: Uint8Array): string {
  const mixed = md5(password, salt, password)
  const parts = [password, Buffer.from('$1$'), salt]
  for (let left = password.length; left > 0; left -= 16) parts.push(mixed.subarray(0, left))
  // The bits of the length choose between a NUL and the first byte of the password: so it was released.
  for (let bits = password.length; bits > 0; bits >>>= 1) {
    parts.push((bits & 1) === 1 ? Uint8Array.of(0) : password.subarray(0, 1))
  }
  let digest = md5(...parts)
  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1
    digest = md5(
      odd ? password : digest,
      round % 3 === 0 ? none : salt,
      round % 7 === 0 ? none : password,
      odd ? digest : password,
    )
  }
  return cryptBase64(Uint8Array.from(order, (at) => digest[at] ?? 0))
}
