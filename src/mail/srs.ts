/**
 * The Sender Rewriting Scheme: who forwards mail for others writes itself as its sender, in a way that lets bounces find
 * back, and that nobody else can write. The forms, the hash (HMAC-SHA1, in base64, cut short) and the days are those of
 * Mail::SRS, libsrs2 and PostSRSd, so that a secret taken over from one of them understands what is still on its way.
 *
 *     SRS0=hash=day=domain=local-part@us       for local-part@domain
 *     SRS1=hash=forwarder=…@us                 for SRS0…@forwarder, who is asked first when it bounces
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Mailbox } from './address.ts'
import { isAddressLiteral, isDomain } from './domain.ts'
import type { Instant } from './instant.ts'

export interface SrsOptions {
  /** Ours: what stands behind the `@` of every rewritten address. */
  readonly domain: string
  /** The first one signs; all of them are understood, so that a new one can be put in front. */
  readonly secrets: readonly [string, ...string[]]
  /** So long a bounce may take; 21 where absent, at most 511. */
  readonly maxAgeDays?: number
  /** Characters of the hash; 4 where absent, as everywhere. */
  readonly hashLength?: number
}

/** What a forward-path means. `none`: it was never rewritten, or not by us. */
export type SrsReading =
  | { readonly srs: 'sender'; readonly mailbox: Mailbox }
  | { readonly srs: 'forged' | 'expired' }
  | { readonly srs: 'none' }

/** A path has 256 octets, angle brackets included (RFC 5321 §4.5.3.1.3). */
const maxMailbox = 254
const dayMs = 86_400_000
/** Days are written with two digits of base32 (RFC 4648 §6), and begin anew after so many. */
const dayCycle = 1024
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

export class Srs {
  readonly #domain: string
  readonly #secrets: readonly [string, ...string[]]
  readonly #maxAgeDays: number
  readonly #hashLength: number

  constructor({ domain, secrets, maxAgeDays = 21, hashLength = 4 }: SrsOptions) {
    this.#domain = domain
    this.#secrets = secrets
    this.#maxAgeDays = maxAgeDays
    this.#hashLength = hashLength
  }

  /**
   * The reverse-path that a forwarded message has. An address of ours stays what it is.
   * @returns undefined where it would be longer than a path may be, or has no domain: it cannot be rewritten
   */
  encode(sender: Mailbox, now: Instant): Mailbox | undefined {
    if (sender.domain === '') return undefined
    if (sender.domain.toLowerCase() === this.#domain.toLowerCase()) return sender
    const localPart = this.#encoded(sender, now)
    // Quotes and escapes count as well: they may be needed for every character.
    const octets = Buffer.byteLength(`${localPart}@${this.#domain}`) + quoting(localPart)
    return octets > maxMailbox ? undefined : { localPart, domain: this.#domain }
  }

  /** Whose bounce this recipient gets. */
  decode({ localPart, domain }: Mailbox, now: Instant): SrsReading {
    if (domain.toLowerCase() !== this.#domain.toLowerCase()) return { srs: 'none' }
    const original = asSrs0(localPart)
    if (original !== undefined) {
      const { hash, day, host, user } = original
      if (!this.#signed(hash, [day, host, user])) return { srs: 'forged' }
      if (!this.#recent(day, now)) return { srs: 'expired' }
      return { srs: 'sender', mailbox: { localPart: user, domain: host } }
    }
    const forwarded = asSrs1(localPart)
    if (forwarded === undefined) return { srs: 'none' }
    const { hash, host, rest } = forwarded
    if (!this.#signed(hash, [host, rest])) return { srs: 'forged' }
    return { srs: 'sender', mailbox: { localPart: `SRS0${rest}`, domain: host } }
  }

  #encoded({ localPart, domain }: Mailbox, now: Instant): string {
    // Hashed with the keys of others: what they say is taken as it stands, and comes back to the first of them.
    const again = asSrs1(localPart)
    if (again !== undefined) return this.#srs1(again.host, again.rest)
    if (asSrs0(localPart) !== undefined) return this.#srs1(domain, localPart.slice(4))
    const day = dayText(now)
    return `SRS0=${this.#hash([day, domain, localPart])}=${day}=${domain}=${localPart}`
  }

  #srs1(host: string, rest: string): string {
    return `SRS1=${this.#hash([host, rest])}=${host}=${rest}`
  }

  #hash(parts: readonly string[], secret = this.#secrets[0]): string {
    // Relays may change the case of an address, and some do.
    const text = parts.join('').toLowerCase()
    return createHmac('sha1', secret).update(text).digest('base64').slice(0, this.#hashLength)
  }

  #signed(hash: string, parts: readonly string[]): boolean {
    const given = Buffer.from(hash.toLowerCase())
    return this.#secrets.some((secret) => {
      const expected = Buffer.from(this.#hash(parts, secret).toLowerCase())
      return given.length === expected.length && timingSafeEqual(given, expected)
    })
  }

  #recent(day: string, now: Instant): boolean {
    const then = dayNumber(day)
    if (then === undefined) return false
    const age = (dayOf(now) - then + dayCycle) % dayCycle
    // A day ahead: clocks of hosts that share a secret differ.
    return age <= this.#maxAgeDays || age === dayCycle - 1
  }
}

interface Srs0 {
  readonly hash: string
  readonly day: string
  readonly host: string
  readonly user: string
}

/** `SRS0`, a separator, and four parts, of which the last may hold anything. */
function asSrs0(localPart: string): Srs0 | undefined {
  const rest = behindTag(localPart, 'SRS0')
  if (rest === undefined) return undefined
  const [hash, day, host, user] = split(rest, 4)
  if (hash === undefined || day === undefined || host === undefined) return undefined
  if (user === undefined || user === '' || !isHost(host) || day.length !== 2) return undefined
  return { hash, day, host, user }
}

/** `SRS1`, a separator, a hash, a host, and what stood behind that host's `SRS0`, with its separator. */
function asSrs1(
  localPart: string,
): { readonly hash: string; readonly host: string; readonly rest: string } | undefined {
  const behind = behindTag(localPart, 'SRS1')
  if (behind === undefined) return undefined
  const [hash, host, rest] = split(behind, 3)
  if (hash === undefined || host === undefined || rest === undefined) return undefined
  return isHost(host) && asSrs0(`SRS0${rest}`) !== undefined ? { hash, host, rest } : undefined
}

/** Other programs may have been told to write another separator behind the tag. */
function behindTag(localPart: string, tag: string): string | undefined {
  if (localPart.slice(0, tag.length).toUpperCase() !== tag) return undefined
  return '=+-'.includes(localPart.charAt(tag.length) || ' ')
    ? localPart.slice(tag.length + 1)
    : undefined
}

/** At the first `=` signs, into so many parts; the last one keeps its own. */
function split(text: string, count: number): readonly string[] {
  const parts: string[] = []
  let from = 0
  while (parts.length < count - 1) {
    const equals = text.indexOf('=', from)
    if (equals < 0) break
    parts.push(text.slice(from, equals))
    from = equals + 1
  }
  return [...parts, text.slice(from)]
}

function isHost(text: string): boolean {
  return isDomain(text, { smtputf8: true }) || isAddressLiteral(text)
}

function dayOf(now: Instant): number {
  return Math.floor(now / dayMs) % dayCycle
}

function dayText(now: Instant): string {
  const day = dayOf(now)
  return digits.charAt(day >> 5) + digits.charAt(day & 31)
}

function dayNumber(text: string): number | undefined {
  const [high = -1, low = -1] = text
    .toUpperCase()
    .split('')
    .map((digit) => digits.indexOf(digit))
  return high < 0 || low < 0 ? undefined : high * 32 + low
}

function quoting(localPart: string): number {
  return 2 + (localPart.match(/["\\]/g)?.length ?? 0)
}
