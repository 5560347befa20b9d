/**
 * By what a qmail-queue that a program runs knows whose message it brings back: a word in its environment, which names an
 * offer in the spool and tells the sender of it, so that a call of another sender is never taken for it.
 */
import { createHash } from 'node:crypto'
import { lowerAscii } from './octets.ts'

export const continuationVariable = 'POSTERN_CONTINUATION'

const pattern = /^[0-9a-z]{9}-[0-9a-f]{16}-[0-9a-f]{16}$/

/** @param name of the offer: time and chance. @param sender one character for each byte */
export function continuationToken(name: string, sender: string): string {
  return `${name}-${senderMark(sender)}`
}

/** @returns undefined for what is no token: then it names no file */
export function continuationOf(value: string | undefined): string | undefined {
  return value !== undefined && pattern.test(value) ? value : undefined
}

/** Whether a message of this sender may be the one that the token stands for. */
export function isSenderOf(token: string, sender: string): boolean {
  return token.endsWith(`-${senderMark(sender)}`)
}

function senderMark(sender: string): string {
  const digest = createHash('sha256').update(lowerAscii(sender), 'latin1').digest('hex')
  return digest.slice(0, 16)
}
