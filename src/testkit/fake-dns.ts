import { PosternError } from '../mail/errors.ts'
import type { Dns, DnsAnswer, MxRecord } from '../runtime/dns.ts'

/** What the fake DNS knows of one name. `fails`: SERVFAIL and the like. `hangs`: answers only to an abort. */
export interface FakeName {
  readonly addresses?: readonly string[] | 'fails' | 'hangs'
  readonly mx?: readonly MxRecord[] | 'fails' | 'hangs'
  readonly txt?: readonly string[] | 'fails' | 'hangs'
  readonly reverse?: readonly string[] | 'fails' | 'hangs'
}

/** Keyed by name without regard to case, by address for `reverse`. A name that only has names below it exists without data. */
export type FakeZones = Readonly<Record<string, FakeName | 'fails' | 'hangs'>>

export interface FakeDns extends Dns {
  /** Every question, in order: `mx example.com`. */
  readonly questions: readonly string[]
  /** Says something else of these names from now on; `undefined` forgets a name. */
  change(zones: Readonly<Record<string, FakeName | 'fails' | 'hangs' | undefined>>): void
}

/** A DNS of the test's own making: answers at once, and never asks a network. */
export function fakeDns(zones: FakeZones = {}): FakeDns {
  const names = new Map<string, FakeName | 'fails' | 'hangs'>()
  const questions: string[] = []

  const change: FakeDns['change'] = (changes) => {
    for (const [name, what] of Object.entries(changes)) {
      if (what === undefined) names.delete(plain(name))
      else names.set(plain(name), what)
    }
  }
  change(zones)

  async function ask<T>(
    type: keyof FakeName | 'ipv4',
    name: string,
    pick: (known: FakeName) => readonly T[] | 'fails' | 'hangs' | undefined,
    signal?: AbortSignal,
  ): Promise<DnsAnswer<T>> {
    const asked = plain(name)
    questions.push(`${type} ${asked}`)
    await Promise.resolve()
    const known = names.get(asked)
    if (known === undefined) {
      const below = [...names.keys()].some((other) => other.endsWith(`.${asked}`))
      return { answer: below ? 'no-data' : 'no-name' }
    }
    const records = typeof known === 'string' ? known : pick(known)
    if (records === 'fails') throw new PosternError('DNS_FAILED', asked)
    if (records === 'hangs') return aborted(signal)
    if (records === undefined || records.length === 0) return { answer: 'no-data' }
    return { answer: 'found', records }
  }

  return {
    questions,
    change,
    addresses: (name, signal) => ask('addresses', name, (known) => known.addresses, signal),
    ipv4: (name, signal) =>
      ask(
        'ipv4',
        name,
        ({ addresses }) =>
          typeof addresses === 'string'
            ? addresses
            : addresses?.filter((each) => !each.includes(':')),
        signal,
      ),
    mx: (name, signal) => ask('mx', name, (known) => known.mx, signal),
    txt: (name, signal) => ask('txt', name, (known) => known.txt, signal),
    reverse: (address, signal) => ask('reverse', address, (known) => known.reverse, signal),
  }
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new PosternError('ABORTED', 'a question to the DNS'))
    if (signal?.aborted === true) abort()
    signal?.addEventListener('abort', abort, { once: true })
  })
}
