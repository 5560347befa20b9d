/**
 * What tells records of this spool from bytes that somebody has sent us. Each generation of the log has a key, derived from a
 * secret of the spool, and every record bears it: what stands in a message is none, whatever it is, since nobody outside
 * knows the key. The secret lies in a file of its own; a segment's first record, which no message can reach, tells the key of
 * its segment too, so that either may be lost.
 */
import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Disk } from '../runtime/disk.ts'
import { unlessMissing } from '../runtime/missing.ts'
import type { Random } from '../runtime/random.ts'
import { replaceFile } from '../runtime/replace-file.ts'
import { keyBytes, type RecordHeader } from './record.ts'
import type { SpoolLayout } from './spool-layout.ts'

const secretBytes = 32
const maxFileBytes = 4_096

/** What is known of the keys in a spool. */
export interface SpoolKey {
  /** Absent where its file is lost, and in a spool that has none yet. */
  readonly secret?: Uint8Array
  /** The first generation whose records have keys; those before were written by a version that knew none. */
  readonly keyedFrom: number
  /** The first generation that was written with this secret, where it was made because another one was lost. */
  readonly ownFrom?: number
}

/** A key that has a secret. */
export type WholeSpoolKey = SpoolKey & { readonly secret: Uint8Array }

/** Nothing was written with keys. */
export const noKeys: SpoolKey = { keyedFrom: Infinity }

/** The file is lost: segments are known by their first record, and by nothing else. */
export const lostKey: SpoolKey = { keyedFrom: 0 }

/** Where a segment's first record is damaged, whether those behind it are found. */
export function findsAll({ secret, keyedFrom }: SpoolKey): boolean {
  return secret !== undefined || keyedFrom === Infinity
}

/** The key that every record of this generation bears. */
export function segmentKey(secret: Uint8Array, generation: number): Buffer {
  const digest = createHmac('sha256', secret).update(`segment ${generation}`).digest()
  return digest.subarray(0, keyBytes)
}

/** Whether a header at this place of a segment is one of ours, whatever its generation. */
export function isOurs(spoolKey: SpoolKey, header: RecordHeader, at: number): boolean {
  const { generation, key, position } = header
  if (key === undefined) return generation < spoolKey.keyedFrom
  return position === at && isKnown(spoolKey, header)
}

/** Whether a header bears the key that its generation has by our secret. */
export function isKnown(
  { secret }: SpoolKey,
  { generation, key }: Pick<RecordHeader, 'generation' | 'key'>,
): boolean {
  return key !== undefined && secret !== undefined && segmentKey(secret, generation).equals(key)
}

/** @returns undefined where it is missing or not whole. @throws PosternError DISK_FAILED */
export async function readSpoolKey(
  disk: Disk,
  { key }: SpoolLayout,
): Promise<WholeSpoolKey | undefined> {
  const text = await readText(disk, key)
  const [, line = '', hex = '', from, own, check = ''] =
    /^(secret ([0-9a-f]{64}) from (\d{1,10})(?: own (\d{1,10}))?) ([0-9a-f]{8})\n$/.exec(text) ?? []
  if (from === undefined || checkOf(line) !== check) return undefined
  const ownFrom = own === undefined ? {} : { ownFrom: Number(own) }
  return { secret: Buffer.from(hex, 'hex'), keyedFrom: Number(from), ...ownFrom }
}

/** A new secret, durable when this resolves. @throws PosternError DISK_FULL, DISK_FAILED */
export async function makeSpoolKey(
  disk: Disk,
  layout: SpoolLayout,
  { random, ...from }: Omit<SpoolKey, 'secret'> & { readonly random: Random },
): Promise<WholeSpoolKey> {
  const made = { ...from, secret: random.bytes(secretBytes) }
  await writeSpoolKey(disk, layout, made)
  return made
}

/** Durable when this resolves, and there whole or as it was before. @throws PosternError DISK_FULL, DISK_FAILED */
export async function writeSpoolKey(
  disk: Disk,
  { key }: SpoolLayout,
  { secret, keyedFrom, ownFrom }: WholeSpoolKey,
): Promise<void> {
  const own = ownFrom === undefined ? '' : ` own ${ownFrom}`
  const line = `secret ${Buffer.from(secret).toString('hex')} from ${keyedFrom}${own}`
  await replaceFile(disk, key, Buffer.from(`${line} ${checkOf(line)}\n`))
}

function checkOf(line: string): string {
  return crc32(line).toString(16).padStart(8, '0')
}

async function readText(disk: Disk, path: string): Promise<string> {
  const bytes = await unlessMissing(disk.readFile(path, maxFileBytes))
  return Buffer.from(bytes ?? []).toString('latin1')
}
