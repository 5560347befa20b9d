/** What clients and operators were told, and whether a recovered spool keeps to it. */
import type { Entry, Queue } from '../../src/queue/queue.ts'

/** How a message stands in the eyes of who was told. */
type Fate =
  /** 250: it must be there, whole. */
  | 'promised'
  /** 4xx: it must never be delivered. */
  | 'refused'
  /** Delivered, but not durably settled: it may come back. */
  | 'leaving'
  /** Durably settled: it must not come back. */
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

  promise(subject: string, line: { id?: string; bytes: Buffer; held: boolean }): void {
    this.#lines.set(subject, { fate: 'promised', tries: 0, ...line })
  }

  refuse(subject: string, bytes: Buffer): void {
    this.#lines.set(subject, { fate: 'refused', bytes, held: false, tries: 0 })
  }

  note(subject: string, change: Partial<Pick<Line, 'fate' | 'held' | 'tries'>>): void {
    const line = this.#lines.get(subject)
    if (line !== undefined) Object.assign(line, change)
  }

  idOf(subject: string): string | undefined {
    return this.#lines.get(subject)?.id
  }

  count(fate: Fate): number {
    return [...this.#lines.values()].filter((line) => line.fate === fate).length
  }

  /** Every word that this queue does not keep. */
  async brokenBy(queue: Queue): Promise<readonly string[]> {
    const found = new Map<string, Entry>()
    const broken: string[] = []
    for await (const entry of queue.entries()) {
      if ('damaged' in entry) {
        // What was being written when the power went is no news, at no later start either; other damage would be.
        if (entry.unproven !== true) broken.push(entry.reason)
        continue
      }
      const subject = entry.message.header.first('subject') ?? ''
      if (found.has(subject)) broken.push(`${subject} is queued twice`)
      found.set(subject, entry)
      broken.push(...(await this.#complaintsAbout(subject, entry)))
    }
    for (const [subject, { fate, id }] of this.#lines) {
      if (fate !== 'promised') continue
      const entry = found.get(subject)
      if (entry === undefined) broken.push(`${subject} is lost`)
      else if (id !== undefined && entry.id !== id)
        broken.push(`${subject} is ${entry.id} and was ${id}`)
    }
    return broken
  }

  async #complaintsAbout(subject: string, entry: Entry): Promise<readonly string[]> {
    const line = this.#lines.get(subject)
    if (line === undefined) return []
    const { fate, bytes, held, tries } = line
    if (fate === 'refused' || fate === 'gone') return [`${subject} is ${fate} and comes back`]
    if (!bytes.equals(await bytesOf(entry))) return [`${subject} is not what was sent`]
    if (fate === 'leaving') return []
    if (held !== undefined && held !== entry.held) return [`${subject} is held: ${entry.held}`]
    return entry.tries < tries ? [`${subject} was tried ${tries} times, not ${entry.tries}`] : []
  }
}

async function bytesOf({ message }: Entry): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of message.read()) chunks.push(chunk)
  return Buffer.concat(chunks)
}
