import {
  CDB_HEAD_BYTES,
  CDB_MAX_BYTES,
  CDB_RECORD_HEADER_BYTES,
  CDB_SLOT_BYTES,
  CdbError,
  cdbHash,
  type CdbEntry,
} from './cdb.ts'

/**
 * Builds a cdb, byte for byte what cdbmake writes. Keys may repeat; look-ups find the first one first.
 * @throws CdbError when the file would be larger than 4 GiB, before memory for it is taken
 */
export function buildCdb(entries: Iterable<CdbEntry>): Uint8Array {
  const records = collect(entries)
  const file = new Uint8Array(records.tablesAt + records.hashes.length * 2 * CDB_SLOT_BYTES)
  const out = new DataView(file.buffer)
  const tables = layOutTables(records, out)
  let position = CDB_HEAD_BYTES
  for (const [index, [key, value]] of records.entries.entries()) {
    writeSlot(out, tables, records.hashes[index] ?? 0, position)
    out.setUint32(position, key.length, true)
    out.setUint32(position + 4, value.length, true)
    file.set(key, position + CDB_RECORD_HEADER_BYTES)
    file.set(value, position + CDB_RECORD_HEADER_BYTES + key.length)
    position += CDB_RECORD_HEADER_BYTES + key.length + value.length
  }
  return file
}

interface Records {
  readonly entries: readonly CdbEntry[]
  readonly hashes: readonly number[]
  /** Where the records end and the tables begin. */
  readonly tablesAt: number
}

interface Table {
  readonly position: number
  readonly slots: number
}

function collect(entries: Iterable<CdbEntry>): Records {
  const kept: CdbEntry[] = []
  const hashes: number[] = []
  let tablesAt = CDB_HEAD_BYTES
  for (const entry of entries) {
    const [key, value] = entry
    const end = tablesAt + CDB_RECORD_HEADER_BYTES + key.length + value.length
    if (end + (kept.length + 1) * 2 * CDB_SLOT_BYTES > CDB_MAX_BYTES) {
      throw new CdbError('a cdb cannot be larger than 4 GiB', tablesAt)
    }
    tablesAt = end
    kept.push(entry)
    hashes.push(cdbHash(key))
  }
  return { entries: kept, hashes, tablesAt }
}

/** Writes the head: each table has two slots for every record, so that it stays half empty. */
function layOutTables({ hashes, tablesAt }: Records, out: DataView): readonly Table[] {
  const counts = new Uint32Array(256)
  for (const hash of hashes) counts[hash & 255] = (counts[hash & 255] ?? 0) + 1
  let position = tablesAt
  return Array.from(counts, (count, index) => {
    const table = { position, slots: count * 2 }
    out.setUint32(index * 8, table.position, true)
    out.setUint32(index * 8 + 4, table.slots, true)
    position += table.slots * CDB_SLOT_BYTES
    return table
  })
}

function writeSlot(out: DataView, tables: readonly Table[], hash: number, record: number): void {
  const table = tables[hash & 255]
  if (table === undefined) return
  let slot = (hash >>> 8) % table.slots
  while (out.getUint32(table.position + slot * CDB_SLOT_BYTES + 4, true) !== 0) {
    slot = (slot + 1) % table.slots
  }
  out.setUint32(table.position + slot * CDB_SLOT_BYTES, hash, true)
  out.setUint32(table.position + slot * CDB_SLOT_BYTES + 4, record, true)
}
