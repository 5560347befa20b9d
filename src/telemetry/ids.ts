/**
 * Names of traces that follow from the names of messages: whoever delivers a message, in whichever process and however
 * long after, says the same ones without having been told, and takes it or leaves it alike.
 */
import { createHash } from 'node:crypto'

/** Whether a message is among those of which spans are exported. @param share from 0 to 1 */
export function isSampled(id: string, share: number): boolean {
  if (share >= 1) return true
  // FNV-1a, then the finalizer of MurmurHash3: ids differ in their last characters only.
  let hash = 0x811c9dc5
  for (let at = 0; at < id.length; at++) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000 < share
}

/** 16 bytes, as W3C Trace Context §3.2.2.3 writes them. */
export function traceIdOf(id: string): string {
  return digest(`trace ${id}`, 32)
}

/** 8 bytes. @param of what the span is of; empty: the transaction itself */
export function spanIdOf(id: string, of = ''): string {
  return digest(`span ${id} ${of}`, 16)
}

/** Never all zeros: that is no id. */
function digest(text: string, digits: number): string {
  const hex = createHash('sha256').update(text).digest('hex').slice(0, digits)
  return /^0+$/.test(hex) ? hex.replace(/0$/, '1') : hex
}
