/**
 * The facts of one session. Those of a greeting vanish with the next one, those of a transaction with
 * the transaction; those learned about a recipient are seen while the same recipient is asked about,
 * and by `data` and `message`. An enforced entry never sees what a shadow entry found.
 */
import { findingValue, type Finding, type FindingKey, type Findings } from '../plugin/finding.ts'
import { mailboxKey, type Mailbox } from '../mail/address.ts'
import type { JsonValue } from '../mail/json.ts'
import type { Question } from './entry.ts'

type Scope = 'session' | 'hello' | 'transaction' | 'recipient'

interface Kept extends Finding {
  readonly shadow: boolean
  readonly scope: Scope
  /** The recipient that it belongs to, counted within the transaction; 0 for the other scopes. */
  readonly round: number
}

/** What is remembered of the recipients of one transaction; beyond it the oldest goes. */
const mostAboutRecipients = 2000
/** A round that no recipient has. */
const nobodyAsked = -1

export class FindingBook {
  /** What enforced entries see. */
  readonly enforced: Findings = { get: (key) => this.#find(key, false) }
  /** What shadow entries see. */
  readonly shadow: Findings = { get: (key) => this.#find(key, true) }
  /** The last round of each recipient about whom something is kept, as `mailboxKey` writes them. */
  readonly #rounds = new Map<string, number>()
  #kept: Kept[] = []
  /** The recipient that is being asked about; 0 where none is. */
  #round = 0
  #asked: Mailbox | undefined

  /** A later finding of the same name replaces an earlier one of the same scope, so that no scope grows without bound. */
  keep(findings: readonly Finding[], question: Question, shadow: boolean): void {
    const scope = scopeOf(question)
    const round = scope === 'recipient' ? this.#round : 0
    for (const { name, value } of findings) {
      const earlier = this.#kept.findIndex(
        (each) =>
          each.name === name &&
          each.scope === scope &&
          each.round === round &&
          each.shadow === shadow,
      )
      if (earlier >= 0) this.#kept.splice(earlier, 1)
      this.#kept.push({ name, value, shadow, scope, round })
    }
    let surplus = scope === 'recipient' ? this.#kept.length - mostAboutRecipients : 0
    if (surplus > 0) {
      this.#kept = this.#kept.filter((each) => each.scope !== 'recipient' || surplus-- <= 0)
    }
  }

  beginHello(): void {
    this.#forget('hello')
  }

  beginTransaction(): void {
    this.#forget('transaction')
    this.#forget('recipient')
    this.#rounds.clear()
  }

  beginRecipient(round: number, mailbox: Mailbox): void {
    this.#round = round
    this.#asked = mailbox
  }

  /** What enforced entries see when they are asked about this recipient; the nearest fact first. */
  about<T extends JsonValue>(key: FindingKey<T>, mailbox: Mailbox | undefined): T | undefined {
    if (this.#kept.length === 0) return undefined
    if (mailbox === undefined || mailbox === this.#asked) return this.#find(key, false)
    return this.#find(key, false, this.#rounds.get(mailboxKey(mailbox)) ?? nobodyAsked)
  }

  /** What was learned about a recipient that was refused is of no use to anybody. */
  endRecipient(accepted: boolean): void {
    const round = this.#round
    const asked = this.#asked
    this.#round = 0
    this.#asked = undefined
    if (this.#kept.length === 0) return
    if (accepted) {
      if (asked !== undefined) this.#rounds.set(mailboxKey(asked), round)
      return
    }
    this.#kept = this.#kept.filter((each) => each.round !== round)
  }

  #forget(scope: Scope): void {
    if (this.#kept.length === 0) return
    this.#kept = this.#kept.filter((each) => each.scope !== scope)
  }

  #find<T extends JsonValue>(
    key: FindingKey<T>,
    shadow: boolean,
    round = this.#round,
  ): T | undefined {
    for (let index = this.#kept.length - 1; index >= 0; index--) {
      const each = this.#kept[index]
      if (each === undefined || each.name !== key.name || (each.shadow && !shadow)) continue
      if (round !== 0 && each.round !== 0 && each.round !== round) continue
      return findingValue(key, each.value)
    }
    return undefined
  }
}

function scopeOf(question: Question): Scope {
  switch (question) {
    case 'connect':
    case 'auth':
    case 'loginEnded':
    case 'verify':
    case 'secretFor':
    case 'checkResponse':
    case 'checkApop':
      return 'session'
    case 'hello':
      return 'hello'
    case 'rcpt':
      return 'recipient'
    case 'mail':
    case 'data':
    case 'message':
    case 'sign':
      return 'transaction'
  }
}

/** What a plugin may read of what is known. One that it does not declare would be there, or not, by the order of the entries. */
export function declaredFindings(reads: ReadonlySet<string>, known: Findings): Findings {
  return {
    get(key) {
      if (reads.has(key.name)) return known.get(key)
      const name = String(key.name).slice(0, 100)
      throw new Error(`it reads the finding ${name}, and declares it neither in needs nor in wants`)
    },
  }
}

/** One entry's findings at `message`, before they are merged. */
export interface Contribution {
  readonly findings: readonly Finding[]
  readonly shadow: boolean
}

/**
 * What an entry sees at `message`: what was known before, and what those entries found that were done
 * before it by rule, not by luck. So no result depends on timing.
 */
export function findingsAt(
  before: Findings,
  contributions: readonly (Contribution | undefined)[],
  { sees, shadow }: { readonly sees: readonly number[]; readonly shadow: boolean },
): Findings {
  if (sees.length === 0) return before
  return {
    get(key) {
      for (let index = sees.length - 1; index >= 0; index--) {
        const contribution = contributions[sees[index] ?? -1]
        if (contribution === undefined || (contribution.shadow && !shadow)) continue
        const found = contribution.findings.findLast(({ name }) => name === key.name)
        if (found !== undefined) return findingValue(key, found.value)
      }
      return before.get(key)
    },
  }
}
