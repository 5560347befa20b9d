/** A few dozen messages that take every way through a small spool: large ones, held, deferred, done, copied forward. */
import type { Envelope } from '../../src/mail/envelope.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import type { Log } from '../../src/runtime/log.ts'
import { openSpool } from '../../src/queue/open-spool.ts'
import type { Claim, Draft, Placement, Queue } from '../../src/queue/queue.ts'
import { systemRandom } from '../../src/runtime/node/random.ts'
import { fakeClock, type FakeClock } from '../../src/testkit/fake-clock.ts'
import type { FakeDisk } from '../../src/testkit/fake-disk.ts'
import { Ledger } from './spool-ledger.ts'

export const spoolPath = '/var/spool'

const silence: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

export function openSmall(disk: FakeDisk, clock: Clock): Promise<Queue> {
  return openSpool({
    disk,
    clock,
    random: systemRandom,
    log: silence,
    path: spoolPath,
    segmentBytes: 8_192,
    inlineBytes: 2_048,
  })
}

export const envelope: Envelope = {
  reversePath: { localPart: 'alice', domain: 'example.org' },
  recipients: [{ mailbox: { localPart: 'bob', domain: 'postern.test' } }],
  bodyType: '8bitmime',
  smtputf8: false,
  requireTls: false,
}

const delivered = { outcome: 'delivered', status: '2.0.0', text: 'ok' } as const
const deferred = { outcome: 'deferred', status: '4.2.1', text: 'try again' } as const

const word = 'körper '

export function messageOf(subject: string, sizeBytes: number): Buffer {
  const start = `Subject: ${subject}\r\n\r\n`
  return Buffer.from(`${start}${word.repeat(sizeBytes / word.length)}`).subarray(0, sizeBytes)
}

/** Runs against one disk and writes down what it was told while the power was on. */
export class Workload {
  readonly ledger = new Ledger()
  readonly #disk: FakeDisk
  readonly #clock: FakeClock

  constructor(disk: FakeDisk, clock: FakeClock = fakeClock()) {
    this.#disk = disk
    this.#clock = clock
  }

  /** Opens the spool, runs the script, closes. Ends early, or never, where the disk does. */
  async run(): Promise<void> {
    const queue = await openSmall(this.#disk, this.#clock)
    await this.#script(queue)
    await queue.close()
  }

  async commit(
    queue: Queue,
    subject: string,
    {
      sizeBytes,
      disposition = 'deliver',
    }: { sizeBytes: number; disposition?: Placement['disposition'] },
  ): Promise<void> {
    const bytes = messageOf(subject, sizeBytes)
    try {
      const draft = queue.begin()
      try {
        await write(draft, bytes)
        const { ids } = await draft.commit([{ envelope, disposition, headerEdits: [] }])
        if (disposition === 'discard') return
        this.#told(() =>
          this.ledger.promise(subject, { id: ids[0], bytes, held: disposition === 'hold' }),
        )
      } finally {
        draft.abort()
      }
    } catch {
      this.#told(() => this.ledger.refuse(subject, bytes))
    }
  }

  /** Two messages by one commit: both are promised, or both refused. */
  async commitBoth(queue: Queue, sizes: ReadonlyMap<string, number>): Promise<void> {
    const texts = [...sizes].map(([subject, sizeBytes]) => messageOf(subject, sizeBytes))
    const subjects = [...sizes.keys()]
    const drafts: Draft[] = []
    const placements = [{ envelope, disposition: 'deliver', headerEdits: [] }] as const
    try {
      for (const bytes of texts) {
        const draft = queue.begin()
        drafts.push(draft)
        await write(draft, bytes)
      }
      const [first, second] = drafts
      if (first === undefined || second === undefined) throw new Error('these are not two')
      const { ids } = await first.commit(placements, { draft: second, placements })
      this.#told(() => {
        for (const [index, subject] of subjects.entries()) {
          const bytes = texts[index] ?? Buffer.alloc(0)
          const id = ids[index]
          this.ledger.promise(subject, { bytes, held: false, ...(id === undefined ? {} : { id }) })
        }
      })
    } catch {
      this.#told(() => {
        for (const [index, subject] of subjects.entries()) {
          this.ledger.refuse(subject, texts[index] ?? Buffer.alloc(0))
        }
      })
    } finally {
      for (const draft of drafts) draft.abort()
    }
  }

  /** Whatever a person was told counts only if the power was on. */
  #told(note: () => void): void {
    if (!this.#disk.isCut) note()
  }

  async #script(queue: Queue): Promise<void> {
    await this.commit(queue, 'stays', { sizeBytes: 700 })
    await this.commit(queue, 'stays-large', { sizeBytes: 5_000 })
    await this.#defer(queue, 'stays')
    await Promise.all([
      this.commit(queue, 'hold', { sizeBytes: 400, disposition: 'hold' }),
      this.commit(queue, 'discard', { sizeBytes: 400, disposition: 'discard' }),
      this.commit(queue, 'leaves-large', { sizeBytes: 4_000 }),
      ...[1, 2, 3, 4, 5].map((i) => this.commit(queue, `group-${i}`, { sizeBytes: 300 + 250 * i })),
    ])
    await this.commitBoth(
      queue,
      new Map([
        ['both-1', 900],
        ['both-2', 1_100],
      ]),
    )
    await this.commitBoth(
      queue,
      new Map([
        ['both-large', 3_000],
        ['both-small', 600],
      ]),
    )
    await this.#deliver(queue, 'leaves-large', 'both-1', 'both-large')
    await this.#letGo(queue, 'hold')
    for (let round = 0; round < 14; round++) {
      const subjects = [1, 2, 3].map((i) => `round-${round}-${i}`)
      await Promise.all(
        subjects.map((subject) => this.commit(queue, subject, { sizeBytes: 1_500 })),
      )
      await this.#deliver(queue, ...subjects.slice(round % 5 === 0 ? 1 : 0))
    }
    await this.#defer(queue, 'stays')
    await this.#deliver(queue, 'group-2', 'group-4')
  }

  /** Messages come and go until segments have been used again. */
  async churn(queue: Queue, rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const subjects = [1, 2, 3, 4].map((i) => `churn-${round}-${i}`)
      await Promise.all(
        subjects.map((subject) => this.commit(queue, subject, { sizeBytes: 1_900 })),
      )
      await this.#deliver(queue, ...subjects)
    }
  }

  async #deliver(queue: Queue, ...subjects: readonly string[]): Promise<void> {
    const settled: Promise<void>[] = []
    for (const subject of subjects) {
      const claim = await this.#claim(queue, subject)
      if (claim === undefined) continue
      this.#told(() => this.ledger.note(subject, { fate: 'leaving' }))
      settled.push(
        queue.settle(claim, [delivered], 0).then(
          () => this.#told(() => this.ledger.note(subject, { fate: 'gone' })),
          () => undefined,
        ),
      )
    }
    await this.#durably(Promise.all(settled))
  }

  async #defer(queue: Queue, subject: string): Promise<void> {
    const claim = await this.#claim(queue, subject)
    if (claim === undefined) return
    const tries = claim.entry.tries + 1
    await this.#durably(queue.settle(claim, [deferred], this.#clock.now() + 60_000))
    this.#told(() => this.ledger.note(subject, { tries }))
  }

  async #letGo(queue: Queue, subject: string): Promise<void> {
    const id = this.ledger.idOf(subject)
    if (id === undefined) return
    this.#told(() => this.ledger.note(subject, { held: undefined }))
    await this.#durably(queue.change({ ids: [id] }, 'release'))
    this.#told(() => this.ledger.note(subject, { held: false }))
  }

  /** Time passes until it is written, as it does outside of tests. */
  async #durably(written: Promise<unknown>): Promise<void> {
    let pending = true
    const over = written.finally(() => (pending = false))
    while (pending && !this.#disk.isCut) {
      this.#clock.advance(100)
      await nextTurn()
    }
    await over
  }

  async #claim(queue: Queue, subject: string): Promise<Claim | undefined> {
    const id = this.ledger.idOf(subject)
    return id === undefined ? undefined : queue.claim(id)
  }
}

async function write(draft: Draft, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += 1_000) {
    const written = draft.write(bytes.subarray(at, at + 1_000))
    if (written !== undefined) await written
  }
  await draft.end()
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
