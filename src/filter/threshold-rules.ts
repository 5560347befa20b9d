/**
 * Which thresholds hold for a recipient: those of everybody, changed key by key by what is said of the domains above it,
 * of its domain, and of its address. The nearest word counts.
 */
import { mailboxKey, type Mailbox } from '../mail/address.ts'
import { asciiDomain } from '../mail/domain.ts'
import type { Thresholds } from './decision.ts'

/** `null`: never, whatever is said further away. */
export type ThresholdChange = { readonly [K in keyof Thresholds]?: number | null }

/** By address, domain, or `.example.org` for every domain below it; in lower case, domains as A-labels. */
export type ThresholdRules = ReadonlyMap<string, ThresholdChange>

const thresholdNames = ['tag', 'quarantine', 'reject', 'discard'] as const

/** More labels than any domain name has (RFC 1035 §2.3.4). */
const mostLabels = 127

/** @returns `general` itself where no rule speaks of the recipient */
export function thresholdsFor(
  mailbox: Mailbox,
  general: Thresholds,
  rules: ThresholdRules,
): Thresholds {
  if (rules.size === 0) return general
  const changes = keysOf(mailbox).flatMap((key) => rules.get(key) ?? [])
  return changes.length === 0 ? general : changes.reduce(changed, general)
}

export function sameThresholds(a: Thresholds, b: Thresholds): boolean {
  return a === b || thresholdNames.every((name) => a[name] === b[name])
}

/** From the farthest to the nearest. */
function keysOf(mailbox: Mailbox): readonly string[] {
  const domain = asciiDomain(mailbox.domain) || mailbox.domain.toLowerCase()
  const labels = domain.split('.').slice(-mostLabels)
  const above = labels.map((_, at) => `.${labels.slice(at).join('.')}`).slice(1)
  const whole = mailboxKey({ localPart: mailbox.localPart, domain })
  return [...above.toReversed(), domain, whole]
}

function changed(before: Thresholds, change: ThresholdChange): Thresholds {
  const after: { -readonly [K in keyof Thresholds]: Thresholds[K] } = { ...before }
  for (const name of thresholdNames) {
    const at = change[name]
    if (at === null) delete after[name]
    else if (at !== undefined) after[name] = at
  }
  return after
}
