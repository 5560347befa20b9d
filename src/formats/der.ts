/** Writes DER (X.690 §10): as much of it as a certificate needs. */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** @param tag one byte: the class, whether it holds others, and a number below 31 */
export function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content])
}

/** Short below 128; else the number of its bytes, then the bytes (X.690 §8.1.3). */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length)
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.of(0x80 | bytes.length, ...bytes)
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(tags.sequence, ...parts)
}

/** Of one member: more would have to be sorted. */
export function setOf(member: Uint8Array): Buffer {
  return tagged(tags.set, member)
}

export function boolean(value: boolean): Buffer {
  return tagged(tags.boolean, Buffer.of(value ? 0xff : 0))
}

/** A number that is not negative, most significant byte first. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const shortest = bytes.subarray(start)
  // The first bit is the sign (X.690 §8.3).
  const sign = ((shortest[0] ?? 0) & 0x80) === 0 && shortest.length > 0 ? [] : [Buffer.of(0)]
  return tagged(tags.integer, ...sign, shortest)
}

/** Of whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return tagged(tags.bitString, Buffer.of(0), bytes)
}

export function octetString(...parts: readonly Uint8Array[]): Buffer {
  return tagged(tags.octetString, ...parts)
}

export function utf8String(text: string): Buffer {
  return tagged(tags.utf8String, Buffer.from(text))
}

/** @param dotted for instance `2.5.29.17` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tagged(tags.objectIdentifier, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

/** Seven bits a byte; all but the last have the first bit set (X.690 §8.19). */
function base128(number: number): number[] {
  const bytes = [number % 128]
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift((rest % 128) | 0x80)
  }
  return bytes
}

/** To the second; two digits of the year until 2049, four afterwards (RFC 5280 §4.1.2.5). */
export function time(at: number): Buffer {
  const iso = new Date(at).toISOString()
  const digits = `${iso.slice(0, 19).replaceAll(/[-:T]/g, '')}Z`
  return new Date(at).getUTCFullYear() < 2050
    ? tagged(tags.utcTime, Buffer.from(digits.slice(2)))
    : tagged(tags.generalizedTime, Buffer.from(digits))
}
