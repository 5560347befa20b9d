/**
 * What a file holds: as a running program sees it, and as a power cut may leave it. A change is safe once a sync that
 * came after it succeeded. After a failed sync the kernel calls the pages clean: no later sync saves them.
 */
import type { Random } from '../runtime/random.ts'

/** Disks write sectors whole; between sectors anything may be torn or reordered. */
const sectorBytes = 512

type Bytes = Buffer<ArrayBuffer>

type Change =
  | { readonly position: number; readonly bytes: Uint8Array }
  | { readonly sizeBytes: number }

export class FakeInode {
  readonly number: number
  readonly kind: 'file' | 'directory'
  modifiedAt = 0
  #bytes: Bytes
  #safe: Bytes
  #unsynced: Change[] = []
  #doubtful: Change[] = []

  constructor(number: number, kind: 'file' | 'directory', bytes: Uint8Array = Buffer.alloc(0)) {
    this.number = number
    this.kind = kind
    this.#bytes = Buffer.from(bytes)
    this.#safe = Buffer.from(bytes)
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  read(position: number, length: number): Uint8Array {
    return Buffer.from(this.#bytes.subarray(position, position + length))
  }

  change(change: Change): void {
    this.#bytes = applied(this.#bytes, change)
    // A sector written again is written whole: what was doubtful in it goes out with the next sync.
    const again = this.#doubtful.filter((doubtful) => overlap(doubtful, change))
    this.#doubtful = this.#doubtful.filter((doubtful) => !again.includes(doubtful))
    this.#unsynced.push(...again, change)
    this.modifiedAt++
  }

  sync(): void {
    for (const change of this.#unsynced.splice(0)) this.#safe = applied(this.#safe, change)
  }

  failSync(): void {
    this.#doubtful.push(...this.#unsynced.splice(0).flatMap(sectors))
  }

  /** The file after a power cut: what was synced, and whatever else chance lets through. */
  afterPowerCut(random: Random): FakeInode {
    let bytes: Bytes = Buffer.from(this.#safe)
    for (const change of [...this.#doubtful, ...this.#unsynced]) {
      bytes = survivors(change, random).reduce<Bytes>(applied, bytes)
    }
    return new FakeInode(this.number, this.kind, bytes)
  }

  /** The file after a kill: the kernel keeps what was written, synced or not. */
  afterKill(): FakeInode {
    const copy = new FakeInode(this.number, this.kind, this.#safe)
    copy.#bytes = Buffer.from(this.#bytes)
    copy.#unsynced = [...this.#unsynced]
    copy.#doubtful = [...this.#doubtful]
    return copy
  }

  /** One bit of stable storage gone wrong. */
  flip(position: number, bit: number): void {
    for (const bytes of [this.#bytes, this.#safe]) {
      const byte = bytes[position]
      if (byte !== undefined) bytes[position] = byte ^ (1 << bit)
    }
  }
}

function applied(before: Bytes, change: Change): Bytes {
  if ('sizeBytes' in change) {
    const after = Buffer.alloc(change.sizeBytes)
    before.copy(after)
    return after
  }
  const end = change.position + change.bytes.length
  const after =
    end > before.length ? Buffer.concat([before, Buffer.alloc(end - before.length)]) : before
  after.set(change.bytes, change.position)
  return after
}

function overlap(a: Change, b: Change): boolean {
  if ('sizeBytes' in a || 'sizeBytes' in b) return false
  const sector = (position: number): number => Math.floor(position / sectorBytes)
  const last = ({ position, bytes }: typeof a): number => sector(position + bytes.length - 1)
  return sector(a.position) <= last(b) && sector(b.position) <= last(a)
}

/** All of it, nothing of it, or some of its sectors. */
function survivors(change: Change, random: Random): readonly Change[] {
  const fate = random.integer(3)
  if (fate === 0) return []
  return fate === 1 ? [change] : sectors(change).filter(() => random.integer(2) === 0)
}

function sectors(change: Change): readonly Change[] {
  if ('sizeBytes' in change) return [change]
  const { position, bytes } = change
  const parts: Change[] = []
  for (let from = 0; from < bytes.length;) {
    const sectorEnd = Math.floor((position + from) / sectorBytes + 1) * sectorBytes - position
    const to = Math.min(bytes.length, sectorEnd)
    parts.push({ position: position + from, bytes: bytes.subarray(from, to) })
    from = to
  }
  return parts
}
