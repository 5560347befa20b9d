/**
 * `maildirsize`, as Maildir++ and vpopmail keep it: the quota on the first line, then what came and went, `bytes messages`
 * a line. It is a cache: who doubts it counts anew.
 */
import { formatQuota, type MailboxUsage, type Quota } from '../mail/quota.ts'

export interface Maildirsize {
  /** The first line, as it stands. */
  readonly quota: string
  readonly usage: MailboxUsage
  /** How many lines the usage is the sum of. */
  readonly entries: number
}

/** A longer file is to be counted anew. */
export const maildirsizeLongest = 5120

/** @returns undefined for a file that is too long, or anything else */
export function parseMaildirsize(bytes: Uint8Array): Maildirsize | undefined {
  if (bytes.length > maildirsizeLongest) return undefined
  const [quota = '', ...lines] = Buffer.from(bytes).toString('latin1').split('\n')
  // Half a line: somebody is writing, or was stopped.
  if (lines.pop() !== '') return undefined
  let sizeBytes = 0
  let messages = 0
  for (const line of lines) {
    const [, size, count] = /^ {0,20}(-?\d{1,15}) {1,20}(-?\d{1,9}) {0,20}$/.exec(line) ?? []
    if (size === undefined || count === undefined) return undefined
    sizeBytes += Number(size)
    messages += Number(count)
  }
  if (sizeBytes < 0 || messages < 0) return undefined
  return { quota, usage: { bytes: sizeBytes, messages }, entries: lines.length }
}

/** A file that was counted anew. */
export function formatMaildirsize(quota: Quota, usage: MailboxUsage): string {
  return `${formatQuota(quota)}\n${maildirsizeEntry(usage)}`
}

/** One line of it. */
export function maildirsizeEntry({ bytes, messages }: MailboxUsage): string {
  return `${bytes} ${messages}\n`
}
