/**
 * What tells records of this spool from bytes that somebody has sent us. Each generation of the log has a key, derived from a
 * secret of the spool, and every record bears it: what stands in a message is none, whatever it is, since nobody outside
 * knows the key. The secret lies in a file of its own; a segment's first record, which no message can reach, tells the key of
 * its segment too, so that either may be lost.
 */
import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { isPosternError } from '../mail/errors.ts'
import type { Disk } from '../runtime/disk.ts'
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
}

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
export function isOurs(
  { secret, keyedFrom }: SpoolKey,
  { generation, key, position }: RecordHeader,
  at: number,
): boolean {
  if (key === undefined) return generation < keyedFrom
  return position === at && secret !== undefined && segmentKey(secret, generation).equals(key)
}

/** @returns undefined where it is missing or not whole. @throws PosternError DISK_FAILED */
export async function readSpoolKey(
  disk: Disk,
  { key }: SpoolLayout,
): Promise<Required<SpoolKey> | undefined> {
  const text = await readText(disk, key)
  const [, line = '', hex = '', from, check = ''] =
    /^(secret ([0-9a-f]{64}) from (\d{1,10})) ([0-9a-f]{8})\n$/.exec(text) ?? []
  if (from === undefined || checkOf(line) !== check) return undefined
  return { secret: Buffer.from(hex, 'hex'), keyedFrom: Number(from) }
}

/** A new secret, durable when this resolves. @throws PosternError DISK_FULL, DISK_FAILED */
export async function makeSpoolKey(
  disk: Disk,
  layout: SpoolLayout,
  { random, keyedFrom }: { readonly random: Random; readonly keyedFrom: number },
): Promise<Required<SpoolKey>> {
  const made = { secret: random.bytes(secretBytes), keyedFrom }
  await writeSpoolKey(disk, layout, made)
  return made
}

/** Durable when this resolves, and there whole or as it was before. @throws PosternError DISK_FULL, DISK_FAILED */
export async function writeSpoolKey(
  disk: Disk,
  { key }: SpoolLayout,
  { secret, keyedFrom }: Required<SpoolKey>,
): Promise<void> {
  const line = `secret ${Buffer.from(secret).toString('hex')} from ${keyedFrom}`
  await replaceFile(disk, key, Buffer.from(`${line} ${checkOf(line)}\n`))
}

function checkOf(line: string): string {
  return crc32(line).toString(16).padStart(8, '0')
}

async function readText(disk: Disk, path: string): Promise<string> {
  try {
    return Buffer.from(await disk.readFile(path, maxFileBytes)).toString('latin1')
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return ''
    throw error
  }
}
