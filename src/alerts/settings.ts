import type { Mailbox } from '../mail/address.ts'

/** When somebody is to be told, and how. */
export interface AlertSettings extends AlertLimits {
  /** Whom a mail goes to; nobody: no mails. */
  readonly to: readonly Mailbox[]
  readonly webhook?: Webhook
  readonly lookEveryMs: number
  readonly mailsPerHour: number
}

/**
 * How long a number must be beyond its limit, and well again: two looks, and four, and never longer than a minute and two.
 * What is one look's alone is no trouble.
 */
export function steadyMs({ lookEveryMs }: Pick<AlertSettings, 'lookEveryMs'>): {
  readonly bad: number
  readonly good: number
} {
  return { bad: Math.min(60_000, 2 * lookEveryMs), good: Math.min(120_000, 4 * lookEveryMs) }
}

export interface AlertLimits {
  /** Messages that wait, those on hold left out. */
  readonly queueMessages: number
  /** Of the oldest message that was never tried. */
  readonly queueAgeMs: number
  /** Of the oldest that was tried; absent: as old as the queue lets it be. */
  readonly deferredAgeMs?: number
  readonly dependencyDownMs: number
  readonly signaturesAgeMs: number
  readonly certificateMs: number
  /** Of space and inodes where the spool lies. */
  readonly diskFreePercent: number
}

export interface Webhook {
  readonly url: URL
  /** Signs what is sent; absent: nothing is signed. */
  readonly secret?: { reveal(): string }
}
