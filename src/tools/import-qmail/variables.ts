/** The variables that a service is started with, as qmail-smtpd reads them; each is asked for once, the rest is left over. */
import { unsupportedVariables, variableFamilies } from '../../config/other-variables.ts'
import { unknownMark } from '../../formats/run-script/expansion.ts'

export class ServiceVariables {
  readonly #values: ReadonlyMap<string, string>
  readonly #taken = new Set<string>()
  readonly #odd = new Set<string>()

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values
  }

  /** Undefined where it is not set, or where only the script would know it. */
  text(name: string): string | undefined {
    this.#taken.add(name)
    const value = this.#values.get(name)
    return value?.includes(unknownMark) === true ? undefined : value
  }

  /** The digits at its beginning; none: undefined. */
  number(name: string): number | undefined {
    const text = this.text(name) ?? ''
    const [digits] = /^\d{1,15}/.exec(text) ?? []
    if (digits === undefined && text !== '') this.#odd.add(name)
    return digits === undefined ? undefined : Number(digits)
  }

  /** Anything above 0. */
  isOn(name: string): boolean {
    return (this.number(name) ?? 0) > 0
  }

  /** Those that were to be numbers, and are none. */
  odd(): readonly (readonly [name: string, value: string])[] {
    return [...this.#odd].map((name) => [name, this.#values.get(name) ?? ''])
  }

  /** Those that nobody has asked for. */
  rest(): readonly (readonly [name: string, value: string])[] {
    return [...this.#values].filter(([name]) => !this.#taken.has(name))
  }
}

/** Those that a run script sets for qmail-smtpd, and that are read from rules alone here. */
export function isOfRules(name: string): boolean {
  const families = [...variableFamilies.keys()]
  return ofRules.has(name) || families.some((family) => name.startsWith(family))
}

const ofRules = new Set(['NOBADHELO', 'LINEENDS', 'QS_SPAMASSASSIN', 'DKVERIFY'])
const unread = new Map([
  ['DKSIGN', 'the entry dkim-sign signs: name the key in its option keys'],
  ['DKQUEUE', 'not needed: dkim and dkim-sign are entries of the chain'],
])

/** For everybody who runs programs; no qmail-smtpd means anything else by them. */
const usual =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|SHLVL|TERM|TMPDIR|TZ|LANG|LANGUAGE|LC_[A-Z]+|_)$/

/** Why a variable that nobody has asked for has no effect here; undefined for one that had none there. */
export function whyUnread(name: string): string | undefined {
  const reason = unsupportedVariables.get(name) ?? unread.get(name)
  if (reason !== undefined || usual.test(name)) return reason
  return 'a variable that nothing here reads'
}
