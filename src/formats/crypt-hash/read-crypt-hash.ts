/**
 * A password hash as crypt(3) writes it, read strictly: `$id$…` and thirteen characters of DES. What cannot be a hash,
 * what nobody here can compute, and what would take too long is told apart, for the operator; for a login it is all no.
 */
import { bytesOfCryptBase64, cryptNumber, CryptNumbers } from './crypt-base64.ts'
import type { Argon2, ScryptCost } from './slow-hashes.ts'
import { yescryptWork, type Yescrypt } from './yescrypt.ts'

/** A hash, and what it takes to compute it anew. `written` is what comes after salt and cost; for DES and bcrypt all of it. */
export type CryptHash =
  | { readonly kind: 'des'; readonly salt: string; readonly written: string }
  | { readonly kind: 'md5'; readonly salt: Uint8Array; readonly written: string }
  | {
      readonly kind: 'sha256' | 'sha512'
      readonly salt: Uint8Array
      readonly rounds: number
      readonly written: string
    }
  | { readonly kind: 'bcrypt'; readonly setting: string; readonly written: string }
  | {
      readonly kind: 'scrypt'
      readonly salt: Uint8Array
      readonly cost: ScryptCost
      readonly written: string
    }
  | { readonly kind: 'yescrypt'; readonly cost: Yescrypt; readonly written: string }
  | { readonly kind: 'argon2'; readonly parameters: Argon2; readonly tag: Uint8Array }

export type CryptHashReading =
  | { readonly ok: true; readonly hash: CryptHash }
  | { readonly ok: false; readonly problem: HashProblem }

/**
 * `locked`: `*` and `!`, as they are written for accounts without a password. `unsupported`: nobody here can compute it.
 * `too-costly`: it would take seconds, and whoever wants to could keep us busy by it.
 */
export type HashProblem = 'locked' | 'malformed' | 'unsupported' | 'too-costly'

/** The greatest work that is done for one login: about a second of one processor, and 256 MiB. */
export const costLimits = Object.freeze({
  shaRounds: 500_000,
  bcryptCost: 14,
  memoryBytes: 256 * 1024 * 1024,
  /** Memory times passes. */
  workBytes: 1024 * 1024 * 1024,
  lanes: 64,
  /** What yescrypt reads and writes: it is computed without native code. */
  yescryptBytes: 64 * 1024 * 1024,
})

const longestHash = 512

export function readCryptHash(text: string): CryptHashReading {
  if (/^[*!]/.test(text)) return no('locked')
  if (text.length > longestHash) return no('malformed')
  if (!text.startsWith('$')) return readDes(text)
  const id = text.slice(1, text.indexOf('$', 1))
  switch (id) {
    case '1':
      return readMd5(text)
    case '5':
    case '6':
      return readSha(text)
    case '2a':
    case '2b':
    case '2y':
      return readBcrypt(text)
    case 'y':
      return readYescrypt(text)
    case '7':
      return readScrypt(text)
    case 'argon2d':
    case 'argon2i':
    case 'argon2id':
      return readArgon2(text)
    default:
      return no(
        /^(?:2x|3|8|9|gy|md5(?:,rounds=\d+)?|sha1|sm3|sm3_yescrypt)$/.test(id)
          ? 'unsupported'
          : 'malformed',
      )
  }
}

function yes(hash: CryptHash): CryptHashReading {
  return { ok: true, hash }
}

function no(problem: HashProblem): CryptHashReading {
  return { ok: false, problem }
}

function readDes(text: string): CryptHashReading {
  // BSDi's extended DES.
  if (/^_[./0-9A-Za-z]{19}$/.test(text)) return no('unsupported')
  if (!/^[./0-9A-Za-z]{13}$/.test(text)) return no('malformed')
  return yes({ kind: 'des', salt: text.slice(0, 2), written: text })
}

function readMd5(text: string): CryptHashReading {
  const [, salt, written] = /^\$1\$([^$:\s]{0,8})\$([./0-9A-Za-z]{22})$/.exec(text) ?? []
  if (salt === undefined || written === undefined) return no('malformed')
  return yes({ kind: 'md5', salt: Buffer.from(salt), written })
}

const shaHash = /^\$([56])\$(?:rounds=([1-9]\d{3,8})\$)?([^$:\s]{0,16})\$([./0-9A-Za-z]+)$/

function readSha(text: string): CryptHashReading {
  const [, id, written, salt, digest] = shaHash.exec(text) ?? []
  if (salt === undefined || digest === undefined) return no('malformed')
  if (digest.length !== (id === '5' ? 43 : 86)) return no('malformed')
  const rounds = written === undefined ? 5_000 : Number(written)
  if (rounds > costLimits.shaRounds) return no('too-costly')
  const kind = id === '5' ? 'sha256' : 'sha512'
  return yes({ kind, salt: Buffer.from(salt), rounds, written: digest })
}

function readBcrypt(text: string): CryptHashReading {
  const [, cost] = /^\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}$/.exec(text) ?? []
  if (cost === undefined || Number(cost) < 4 || Number(cost) > 31) return no('malformed')
  if (Number(cost) > costLimits.bcryptCost) return no('too-costly')
  return yes({ kind: 'bcrypt', setting: text.slice(0, 29), written: text })
}

const scryptHash = /^\$7\$(.)(.{5})(.{5})([^$:\s]{0,86})\$([./0-9A-Za-z]{43})$/

function readScrypt(text: string): CryptHashReading {
  const [, ...parts] = scryptHash.exec(text) ?? []
  const [logN, r, p] = parts.slice(0, 3).map(cryptNumber)
  const [, , , salt, written] = parts
  if (salt === undefined || written === undefined) return no('malformed')
  if (!logN || !r || !p) return no('malformed')
  const cost = { n: 2 ** logN, r, p }
  const memory = 128 * cost.n * r
  if (memory > costLimits.memoryBytes || memory * p > costLimits.workBytes) return no('too-costly')
  if (128 * r * p > costLimits.memoryBytes) return no('too-costly')
  return yes({ kind: 'scrypt', salt: Buffer.from(salt), cost, written })
}

const yescryptHash = /^\$y\$([./0-9A-Za-z]{3,18})\$([./0-9A-Za-z]{0,86})\$([./0-9A-Za-z]{43})$/

/** YESCRYPT_DEFAULTS as it is written: the only flavour that anybody makes. */
const standardFlavour = 47

function readYescrypt(text: string): CryptHashReading {
  const [, parameters, writtenSalt, written] = yescryptHash.exec(text) ?? []
  const salt = bytesOfCryptBase64(writtenSalt ?? '')
  if (parameters === undefined || written === undefined || salt === undefined) {
    return no('malformed')
  }
  const numbers = new CryptNumbers(parameters)
  const [flavour, logN, r] = [numbers.next(0), numbers.next(1), numbers.next(1)]
  const more = numbers.atEnd ? 0 : numbers.next(1)
  const p = more !== undefined && (more & 1) === 1 ? numbers.next(2) : 1
  const t = more !== undefined && (more & 2) === 2 ? numbers.next(1) : 0
  if (flavour === undefined || logN === undefined || r === undefined) return no('malformed')
  if (more === undefined || p === undefined || t === undefined) return no('malformed')
  // Hashes that were upgraded, and those with a ROM.
  if (flavour !== standardFlavour || more > 3) return no('unsupported')
  if (!numbers.atEnd || logN < 2 || logN > 63) return no('malformed')
  const cost = { salt, n: 2 ** logN, r, p, t }
  if (cost.n / p < 4) return no('malformed')
  if (yescryptWork(cost) > costLimits.yescryptBytes) return no('too-costly')
  return yes({ kind: 'yescrypt', cost, written })
}

const argon2Hash =
  /^\$(argon2(?:d|i|id))\$v=(\d{1,2})\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,8})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

function readArgon2(text: string): CryptHashReading {
  const [, id, version, ...parts] = argon2Hash.exec(text) ?? []
  const [memoryKiB = 0, passes = 0, lanes = 0] = parts.slice(0, 3).map(Number)
  const salt = Buffer.from(parts[3] ?? '', 'base64')
  const tag = Buffer.from(parts[4] ?? '', 'base64')
  if (id === undefined || salt.length < 8 || tag.length < 4) return no('malformed')
  if (passes < 1 || lanes < 1 || memoryKiB < 8 * lanes) return no('malformed')
  // Of version 1.0 there is no implementation here.
  if (Number(version) !== 19) return no('unsupported')
  const memory = memoryKiB * 1024
  if (memory > costLimits.memoryBytes || memory * passes > costLimits.workBytes)
    return no('too-costly')
  if (lanes > costLimits.lanes) return no('too-costly')
  const algorithm = id === 'argon2d' || id === 'argon2i' ? id : 'argon2id'
  const parameters = { algorithm, salt, memoryKiB, passes, lanes, tagBytes: tag.length } as const
  return yes({ kind: 'argon2', parameters, tag })
}

/** What to do about a hash that is nobody's; nothing about one that is locked on purpose. */
export function cryptHashRemedy(problem: HashProblem): string | undefined {
  switch (problem) {
    case 'locked':
      return undefined
    case 'malformed':
      return 'this is no password hash: make a new one'
    case 'unsupported':
      return 'this kind of hash cannot be computed here: make one of SHA-512, bcrypt or Argon2id'
    case 'too-costly':
      return `this hash takes too long: at most ${costLimits.shaRounds} rounds of SHA-2, cost ${costLimits.bcryptCost} of bcrypt, 256 MiB`
  }
}
