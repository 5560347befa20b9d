/** Words, tones and icons for what became of mail. One table, so that a thing looks the same on every page. */
import type { IconName } from './icons.ts'

export type Tone = 'good' | 'wait' | 'bad' | 'held' | 'quiet' | 'shadow'

export interface Look {
  readonly word: string
  readonly tone: Tone
  readonly icon: IconName
}

const looks: Readonly<Record<string, Look>> = {
  // A transaction, as the client was told.
  accepted: { word: 'accepted', tone: 'good', icon: 'check' },
  quarantined: { word: 'quarantined', tone: 'held', icon: 'hold' },
  discarded: { word: 'discarded', tone: 'quiet', icon: 'bin' },
  refused: { word: 'refused', tone: 'bad', icon: 'cross' },
  deferred: { word: 'deferred', tone: 'wait', icon: 'clock' },
  abandoned: { word: 'abandoned', tone: 'quiet', icon: 'dots' },
  // A verdict of one entry.
  pass: { word: 'pass', tone: 'quiet', icon: 'right' },
  accept: { word: 'accept', tone: 'good', icon: 'check' },
  reject: { word: 'reject', tone: 'bad', icon: 'cross' },
  defer: { word: 'defer', tone: 'wait', icon: 'clock' },
  quarantine: { word: 'quarantine', tone: 'held', icon: 'hold' },
  discard: { word: 'discard', tone: 'quiet', icon: 'bin' },
  'per-recipient': { word: 'per recipient', tone: 'quiet', icon: 'dots' },
  // A recipient in the queue, and a try.
  pending: { word: 'pending', tone: 'quiet', icon: 'dots' },
  delivered: { word: 'delivered', tone: 'good', icon: 'check' },
  failed: { word: 'failed', tone: 'bad', icon: 'cross' },
  told: { word: 'told', tone: 'quiet', icon: 'right' },
  held: { word: 'held', tone: 'held', icon: 'hold' },
  // An entry of the chain.
  enforce: { word: 'enforce', tone: 'good', icon: 'check' },
  shadow: { word: 'shadow', tone: 'shadow', icon: 'eye' },
  off: { word: 'off', tone: 'quiet', icon: 'off' },
  // A rule.
  allow: { word: 'allow', tone: 'good', icon: 'check' },
  deny: { word: 'deny', tone: 'bad', icon: 'cross' },
  block: { word: 'block', tone: 'bad', icon: 'cross' },
  unproven: { word: 'unproven', tone: 'wait', icon: 'clock' },
  // What an examination found.
  well: { word: 'well', tone: 'good', icon: 'check' },
  warning: { word: 'warning', tone: 'wait', icon: 'clock' },
  problem: { word: 'problem', tone: 'bad', icon: 'warn' },
  nothing: { word: 'nothing', tone: 'quiet', icon: 'dots' },
}

export function lookOf(word: string): Look {
  return Object.hasOwn(looks, word) ? (looks[word] ?? unknownLook(word)) : unknownLook(word)
}

function unknownLook(word: string): Look {
  return { word, tone: 'quiet', icon: 'dots' }
}
