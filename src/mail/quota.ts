/** How much a mailbox may hold, in the words of Maildir++: `10485760S,1000C` is ten megabytes and a thousand messages. */

/** An absent key is no limit. */
export interface Quota {
  readonly bytes?: number
  readonly messages?: number
}

/** What lies in a mailbox. */
export interface MailboxUsage {
  readonly bytes: number
  readonly messages: number
}

const units: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['S', 1],
  ['K', 1 << 10],
  ['KB', 1 << 10],
  ['M', 1 << 20],
  ['MB', 1 << 20],
  ['G', 1 << 30],
  ['GB', 1 << 30],
])

/**
 * Reads `10485760S,1000C`, `100MB`, `1000C`, or `none` (vpopmail: `NOQUOTA`) for no limit; a limit of 0 is none, as
 * Maildir++ has it.
 * @returns undefined for anything else
 */
export function parseQuota(text: string): Quota | undefined {
  if (/^(?:none|noquota)$/i.test(text)) return {}
  let quota: Quota = {}
  for (const part of text.split(',')) {
    const [, digits = '', unit = ''] = /^(\d{1,15})([A-Za-z]{0,2})$/.exec(part) ?? []
    const factor = units.get(unit.toUpperCase())
    const amount = Number(digits)
    if (digits === '' || amount * (factor ?? 1) > Number.MAX_SAFE_INTEGER) return undefined
    if (amount === 0) continue
    if (unit.toUpperCase() === 'C') quota = { ...quota, messages: amount }
    else if (factor === undefined) return undefined
    else quota = { ...quota, bytes: amount * factor }
  }
  return quota
}

/** As the first line of `maildirsize` has it; `NOQUOTA` where there is no limit. */
export function formatQuota({ bytes, messages }: Quota): string {
  const parts = [
    ...(bytes === undefined ? [] : [`${bytes}S`]),
    ...(messages === undefined ? [] : [`${messages}C`]),
  ]
  return parts.length === 0 ? 'NOQUOTA' : parts.join(',')
}

export function isLimited({ bytes, messages }: Quota): boolean {
  return bytes !== undefined || messages !== undefined
}

/** Whether so much is more than that. */
export function exceedsQuota(usage: MailboxUsage, { bytes, messages }: Quota): boolean {
  return usage.bytes > (bytes ?? Infinity) || usage.messages > (messages ?? Infinity)
}
