/** What a client and an operator were told, and whether a recovered spool keeps to it. */
import { expect } from 'vitest'
import type { Entry, Damaged, Queue } from '../../src/queue/queue.ts'

/** How a message stands in the eyes of who was told. */
type Fate =
  /** 250: it must be there, whole. */
  | 'promised'
  /** 4xx: it must never be delivered. */
  | 'refused'
  /** Said to be done, but not durably: it may come back. */
  | 'leaving'
  /** Durably done: it must not come back. */
  | 'gone'

interface Line {
  fate: Fate
  readonly id?: string
  readonly bytes: Buffer
  /** Undefined while that is being changed. */
  held: boolean | undefined
  tries: number
}

/** Keyed by the message's subject, which is unique in a workload. */
export class Ledger {
  readonly #lines = new Map<string, Line>()

  promise(subject: string, line: { id: string; bytes: Buffer; held: boolean }): void {
    this.#lines.set(subject, { fate: 'promised', tries: 0, ...line })
  }

  refuse(subject: string, bytes: Buffer): void {
    this.#lines.set(subject, { fate: 'refused', bytes, held: false, tries: 0 })
  }

  leaving(subject: string): void {
    this.#change(subject, (line) => (line.fate = 'leaving'))
  }

  gone(subject: string): void {
    this.#change(subject, (line) => (line.fate = 'gone'))
  }

  held(subject: string, held: boolean | undefined): void {
    this.#change(subject, (line) => (line.held = held))
  }

  tried(subject: string, tries: number): void {
    this.#change(subject, (line) => (line.tries = tries))
  }

  idOf(subject: string): string | undefined {
    return this.#lines.get(subject)?.id
  }

  count(fate: Fate): number {
    return [...this.#lines.values()].filter((line) => line.fate === fate).length
  }

  /** Holds the queue against what was said. */
  async check(queue: Queue, context: string): Promise<void> {
    const found = new Map<string, Entry>()
    for await (const entry of queue.entries()) {
      if ('damaged' in entry) {
        // A record cut short is no news after a power cut; a promise whose file is gone would be.
        expect(entry.reason, context).not.toContain('missing')
        continue
      }
      const subject = entry.message.header.first('subject') ?? ''
      expect(found.has(subject), `${context}: ${subject} is queued once`).toBe(false)
      found.set(subject, entry)
      const line = this.#lines.get(subject)
      expect(line?.fate, `${context}: ${subject} may be queued`).not.toBe('refused')
      expect(line?.fate, `${context}: ${subject} may be queued`).not.toBe('gone')
      const bytes = await bytesOf(entry)
      if (line !== undefined && !line.bytes.equals(bytes)) {
        expect.fail(`${context}: ${subject} is not what was promised`)
      }
    }
    for (const [subject, line] of this.#lines) {
      if (line.fate !== 'promised') continue
      const entry = found.get(subject)
      if (entry === undefined) expect.fail(`${context}: ${subject} is lost`)
      expect(entry.id, `${context}: ${subject}`).toBe(line.id)
      if (line.held !== undefined) {
        expect(entry.held, `${context}: ${subject} is held`).toBe(line.held)
      }
      expect(entry.tries, `${context}: ${subject} tries`).toBeGreaterThanOrEqual(line.tries)
    }
  }

  #change(subject: string, change: (line: Line) => void): void {
    const line = this.#lines.get(subject)
    if (line !== undefined) change(line)
  }
}

export async function bytesOf({ message }: Entry): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of message.read()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function listAll(queue: Queue): Promise<readonly (Entry | Damaged)[]> {
  const all: (Entry | Damaged)[] = []
  for await (const entry of queue.entries()) all.push(entry)
  return all
}
