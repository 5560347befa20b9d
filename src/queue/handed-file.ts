/** Reads a file that another program has handed over, and believes nothing of it: its owner may be anybody. */
import { crc32 } from 'node:zlib'
import type { Envelope } from '../mail/envelope.ts'
import type { Disk, DiskFile } from '../runtime/disk.ts'
import {
  decodeHandoverEnvelope,
  decodeHandoverFooter,
  footerBytes,
  type HandoverFooter,
} from './handover-file.ts'
import type { Draft } from './queue.ts'

const pieceBytes = 1 << 18

/**
 * Nothing is asked of the path before it is open: a symbolic link would lead to what its maker may not read, or to where a
 * look never ends. A socket cannot be opened at all.
 * @returns why it cannot be a message
 */
export async function openHanded(disk: Disk, path: string): Promise<DiskFile | string> {
  try {
    return await disk.open(path, 'foreign')
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ELOOP') return 'it is a link'
    if (code === 'ENXIO') return 'it is no file'
    throw error
  }
}

export function systemCode(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? cause.code : undefined
}

/** @returns what is wrong with the file, where it is none of ours */
export async function readEnd(
  file: DiskFile,
): Promise<{ readonly footer: HandoverFooter; readonly envelope: Envelope } | string> {
  const { sizeBytes } = await file.stat()
  const at = Math.max(0, sizeBytes - footerBytes)
  const footer = decodeHandoverFooter(await file.read(at, footerBytes), sizeBytes)
  if (footer === undefined) return 'its end is missing or damaged'
  const envelope = decodeHandoverEnvelope(
    await file.read(footer.messageBytes, footer.envelopeBytes),
    footer,
  )
  return envelope === undefined ? 'its envelope is damaged' : { footer, envelope }
}

/** @returns whether the bytes are those that were handed over */
export async function copyHanded(
  file: DiskFile,
  { messageBytes, messageCrc }: HandoverFooter,
  draft: Draft,
): Promise<boolean> {
  let crc = 0
  for (let at = 0; at < messageBytes; at += pieceBytes) {
    const wanted = Math.min(pieceBytes, messageBytes - at)
    const piece = await file.read(at, wanted)
    if (piece.length < wanted) return false
    crc = crc32(piece, crc)
    await draft.write(piece)
  }
  return crc === messageCrc
}
