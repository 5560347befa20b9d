/**
 * yescrypt (Alexander Peslyak), what `$y$` stands for and Debian makes by default: scrypt whose memory is written to all
 * the while, with a multiplication at its heart. Only in its standard flavour; the names are those of its reference
 * implementation. Words lie in the order that suits vector instructions.
 */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

export interface Yescrypt {
  readonly salt: Uint8Array
  /** Blocks of memory, a power of two. */
  readonly n: number
  /** A block has 128 times so many bytes. */
  readonly r: number
  readonly p: number
  readonly t: number
}

/** What is read and written, in bytes: to be bounded before anything is computed. */
export function yescryptWork({ n, r, p, t }: Yescrypt): number {
  return 128 * r * (n + p * (stepsOf(n / p, t) + 2))
}

/** fNloop: how many steps each lane walks, for its share of the memory. */
function stepsOf(share: number, t: number): number {
  if (t === 0) return Math.ceil(share / 3)
  return t === 1 ? Math.ceil((share * 2) / 3) : share * (t - 1)
}

const rounds = 6
const gather = 4
/** Three boxes of 256 entries, each of two numbers of 64 bits. */
const boxWords = 1024
const boxesWords = 3 * boxWords
const boxMask = 255 * 16

/** @returns 32 bytes */
export function yescrypt(password: Uint8Array, cost: Yescrypt): Buffer {
  const { n, r, p } = cost
  // Much memory is not given for nothing: what a small run makes of the password is what the large one begins with.
  const isLarge = n / p >= 0x100 && (n / p) * r >= 0x20000
  const first = isLarge
    ? keyOf(password, { ...cost, n: n >>> 6, t: 0 }, 'yescrypt-prehash')
    : password
  const key = keyOf(first, cost, 'yescrypt')
  const clientKey = createHmac('sha256', key).update('Client Key').digest()
  return createHash('sha256').update(clientKey).digest()
}

function keyOf(password: Uint8Array, cost: Yescrypt, purpose: string): Buffer {
  const { salt, r, p } = cost
  const hashed = createHmac('sha256', purpose).update(password).digest()
  const bytes = pbkdf2Sync(hashed, salt, 1, 128 * r * p, 'sha256')
  const blocks = wordsOf(bytes)
  const last = smix(blocks, cost, bytes.subarray(0, 32))
  return pbkdf2Sync(last, bytesOf(blocks), 1, 32, 'sha256')
}

/** Mixes all blocks. @returns what takes the place of the password */
function smix(blocks: Int32Array, { n, r, p, t }: Yescrypt, password: Uint8Array): Uint8Array {
  const size = 32 * r
  const memory = new Int32Array(n * size)
  const chunk = Math.floor(n / p)
  const all = stepsOf(chunk, t)
  const written = even(Math.floor(all / p))
  const share = chunk - (chunk % 2)
  let key = password
  const mixers: Mixer[] = []
  for (let i = 0; i < p; i++) {
    const block = blocks.subarray(i * size, (i + 1) * size)
    const mixer = new Mixer(block)
    mixers.push(mixer)
    if (i === 0) {
      key = createHmac('sha256', bytesOf(block.subarray(size - 16)))
        .update(key)
        .digest()
    }
    const from = i * share
    const count = i < p - 1 ? share : n - from
    const part = memory.subarray(from * size, (from + count) * size)
    mixer.fill(block, part, count)
    mixer.walk(block, part, { blocks: powerBelow(count), steps: written, writes: true })
  }
  for (const [i, mixer] of mixers.entries()) {
    const block = blocks.subarray(i * size, (i + 1) * size)
    mixer.walk(block, memory, { blocks: n, steps: even(all) - written, writes: false })
  }
  return key
}

const even = (count: number): number => count + (count % 2)

/** The greatest power of two that is not above. */
const powerBelow = (count: number): number => 2 ** (31 - Math.clz32(count))

/** One lane: its boxes, which change with all that is mixed. */
class Mixer {
  readonly #boxes = new Int32Array(boxesWords)
  /** Where the three boxes begin. */
  #s0 = 2 * boxWords
  #s1 = boxWords
  #s2 = 0
  /** Of the third, where it is written next. */
  #w = 0

  /** @param block its first 128 bytes make the boxes, and are mixed by it */
  constructor(block: Int32Array) {
    const x = shuffled(block.subarray(0, 32))
    for (let at = 0; at < boxesWords; at += 32) {
      this.#boxes.set(x, at)
      blockMixSalsa8(x)
    }
    block.set(unshuffled(x))
  }

  /** smix1: writes the memory. */
  fill(block: Int32Array, memory: Int32Array, count: number): void {
    const x = shuffled(block)
    const size = x.length
    for (let i = 0; i < count; i++) {
      memory.set(x, i * size)
      if (i > 1) {
        const power = powerBelow(i)
        xor(x, memory, ((integerify(x) & (power - 1)) + (i - power)) * size)
      }
      this.#mix(x)
    }
    block.set(unshuffled(x))
  }

  /** smix2: walks through the memory as the data say. */
  walk(
    block: Int32Array,
    memory: Int32Array,
    { blocks, steps, writes }: { blocks: number; steps: number; writes: boolean },
  ): void {
    const x = shuffled(block)
    const size = x.length
    for (let i = 0; i < steps; i++) {
      const at = (integerify(x) & (blocks - 1)) * size
      xor(x, memory, at)
      if (writes) memory.set(x, at)
      this.#mix(x)
    }
    block.set(unshuffled(x))
  }

  /** blockmix_pwxform */
  #mix(block: Int32Array): void {
    const last = block.length - 16
    const x = block.slice(last)
    for (let at = 0; at <= last; at += 16) {
      xor(x, block, at)
      this.#transform(x)
      block.set(x, at)
    }
    salsa20(x, 1)
    block.set(x, last)
  }

  /** pwxform: multiplies, and looks up and writes the boxes, all in 64 bits. */
  #transform(x: Int32Array): void {
    const boxes = this.#boxes
    const [s0, s1, s2] = [this.#s0, this.#s1, this.#s2]
    let w = this.#w
    for (let round = 0; round < rounds; round++) {
      for (let lane = 0; lane < gather; lane++) {
        const at = lane * 4
        const p0 = s0 + ((x[at] ?? 0) & boxMask) / 4
        const p1 = s1 + ((x[at + 1] ?? 0) & boxMask) / 4
        for (let k = 0; k < 4; k += 2) {
          const a = x[at + k] ?? 0
          const b = x[at + k + 1] ?? 0
          const al = a & 0xffff
          const ah = a >>> 16
          const bl = b & 0xffff
          const bh = b >>> 16
          const low = Math.imul(al, bl)
          const m1 = Math.imul(al, bh)
          const m2 = Math.imul(ah, bl)
          const middle = (low >>> 16) + (m1 & 0xffff) + (m2 & 0xffff)
          const high = Math.imul(ah, bh) + (m1 >>> 16) + (m2 >>> 16) + (middle >>> 16)
          const product = (middle << 16) | (low & 0xffff)
          const sum = (product + (boxes[p0 + k] ?? 0)) | 0
          const carry = sum >>> 0 < product >>> 0 ? 1 : 0
          const lower = sum ^ (boxes[p1 + k] ?? 0)
          const upper = ((high | 0) + (boxes[p0 + k + 1] ?? 0) + carry) ^ (boxes[p1 + k + 1] ?? 0)
          x[at + k] = lower
          x[at + k + 1] = upper
          if (round !== 0 && round !== rounds - 1) {
            boxes[s2 + w] = lower
            boxes[s2 + w + 1] = upper
            w += 2
          }
        }
      }
    }
    this.#s0 = s2
    this.#s1 = s0
    this.#s2 = s1
    this.#w = w & (boxWords - 1)
  }
}

/** The lowest word of the last 64 bytes. */
function integerify(x: Int32Array): number {
  return x[x.length - 16] ?? 0
}

function xor(x: Int32Array, other: Int32Array, at: number): void {
  for (let i = 0; i < x.length; i++) x[i] = (x[i] ?? 0) ^ (other[at + i] ?? 0)
}

/** Of 128 bytes: two blocks of Salsa20/8, each after the other was mixed in. */
function blockMixSalsa8(block: Int32Array): void {
  const x = block.slice(16)
  for (let at = 0; at < 32; at += 16) {
    xor(x, block, at)
    salsa20(x, 4)
    block.set(x, at)
  }
}

/** Salsa20 on sixteen words in vector order. */
function salsa20(words: Int32Array, doubleRounds: number): void {
  const x = new Int32Array(16)
  for (let i = 0; i < 16; i++) x[(i * 5) % 16] = words[i] ?? 0
  for (let round = 0; round < doubleRounds; round++) {
    for (let i = 0; i < 4; i++) quarter(x, [5 * i, 5 * i + 4, 5 * i + 8, 5 * i + 12])
    for (let i = 0; i < 4; i++) {
      const row = 4 * i
      quarter(x, [row + i, row + ((i + 1) % 4), row + ((i + 2) % 4), row + ((i + 3) % 4)])
    }
  }
  for (let i = 0; i < 16; i++) words[i] = (words[i] ?? 0) + (x[(i * 5) % 16] ?? 0)
}

function quarter(x: Int32Array, [p, q, r, s]: readonly [number, number, number, number]): void {
  const [a, b, c, d] = [p & 15, q & 15, r & 15, s & 15]
  const add = (to: number, one: number, other: number, shift: number): void => {
    const sum = ((x[one] ?? 0) + (x[other] ?? 0)) | 0
    x[to] = (x[to] ?? 0) ^ ((sum << shift) | (sum >>> (32 - shift)))
  }
  add(b, a, d, 7)
  add(c, b, a, 9)
  add(d, c, b, 13)
  add(a, d, c, 18)
}

/** Into vector order, within each 64 bytes. */
function shuffled(words: Int32Array): Int32Array {
  return words.map((_, i) => words[(i & ~15) + ((i * 5) & 15)] ?? 0)
}

function unshuffled(words: Int32Array): Int32Array {
  const plain = new Int32Array(words.length)
  for (const [i, word] of words.entries()) plain[(i & ~15) + ((i * 5) & 15)] = word
  return plain
}

function wordsOf(bytes: Buffer): Int32Array {
  return Int32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32LE(4 * i))
}

function bytesOf(words: Int32Array): Buffer {
  const bytes = Buffer.alloc(words.length * 4)
  for (const [i, word] of words.entries()) bytes.writeInt32LE(word, 4 * i)
  return bytes
}
