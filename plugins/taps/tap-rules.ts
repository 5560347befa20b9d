/**
 * control/taps, as the JMS patch has it: `regex:address`, one a line; an expression that begins with `!` fits what does
 * not match. Extended expressions without regard to case, unanchored, on a matcher that takes linear time.
 */
import {
  FileMistakes,
  controlList,
  parseMailbox,
  type FollowedFile,
  type Live,
  type Log,
  type Mailbox,
} from 'postern/plugin'
import { extendedExpression } from '../shared/posix-ere/posix-ere.ts'

export interface TapRule {
  /** As it is written. */
  readonly line: string
  fits(address: string): boolean
  /** Whom the copy is for; without a domain it is at our own name. */
  readonly to: Mailbox
}

export interface TapMistake {
  readonly line: number
  readonly text: string
  readonly problem: string
}

export function readTaps(bytes: Uint8Array | undefined): {
  readonly rules: readonly TapRule[]
  readonly mistakes: readonly TapMistake[]
} {
  const mistakes: TapMistake[] = []
  const rules = controlList(bytes ?? new Uint8Array()).flatMap(({ line, text }): TapRule[] => {
    const rule = readRule(text)
    if (typeof rule !== 'string') return [rule]
    mistakes.push({ line, text, problem: rule })
    return []
  })
  return { rules, mistakes }
}

/**
 * The rules that a file holds now. A file that has mistakes at the start is refused; one that gets some later changes
 * nothing, and the log says why. @throws FileMistakes
 */
export function followTaps(file: FollowedFile, log: Log): Live<readonly TapRule[]> {
  let good: readonly TapRule[] | undefined
  return file.follow((bytes) => {
    const { rules, mistakes } = readTaps(bytes)
    const [first] = mistakes
    if (first === undefined) return (good = rules)
    if (good === undefined) {
      const shown = mistakes.map(({ line, text, problem }) => ({
        line,
        text,
        remedy: `${problem}; write regex:address`,
      }))
      throw new FileMistakes(file.path, shown)
    }
    const { line, text, problem } = first
    log.error('taps.not-taken', { path: file.path, line, text, problem })
    return good
  })
}

/** An address without a domain is a mailbox with an empty one. */
export function copyAddress(text: string): Mailbox | undefined {
  return text.includes('@')
    ? parseMailbox(text, { smtputf8: true })
    : localMailbox(parseMailbox(`${text}@localhost`, { smtputf8: true }))
}

function localMailbox(mailbox: Mailbox | undefined): Mailbox | undefined {
  return mailbox === undefined ? undefined : { ...mailbox, domain: '' }
}

/** @returns what is wrong with it */
function readRule(text: string): TapRule | string {
  const colon = text.lastIndexOf(':')
  const to = copyAddress(text.slice(colon + 1).trim())
  if (colon < 0 || to === undefined) return 'ends in no :address'
  const turned = text.startsWith('!')
  const expression = extendedExpression(text.slice(turned ? 1 : 0, colon))
  if (!expression.ok) return expression.problem
  return { line: text, to, fits: (address) => expression.matches(address) !== turned }
}
