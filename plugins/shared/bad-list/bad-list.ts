/**
 * A list of what is not wanted, in either of the dialects that qmail's patches have: `qmail`, literal addresses and
 * `@host`; `jms`, POSIX extended expressions without regard to case, unanchored, turned round by `!`. Expressions run on a
 * matcher that takes linear time, whatever the operator writes and whatever a client sends.
 */
import { controlList, FileMistakes, type FollowedFile, type Live, type Log } from 'postern/plugin'
import { extendedExpression, type ExtendedExpression } from '../posix-ere/posix-ere.ts'

export type Dialect = 'qmail' | 'jms'

export interface BadList {
  /** @returns the line that holds `text`, as it is written */
  find(text: string): string | undefined
}

export interface ListMistake {
  readonly line: number
  readonly text: string
  readonly problem: string
}

export interface ReadList {
  readonly list: BadList
  readonly mistakes: readonly ListMistake[]
}

const none: BadList = Object.freeze({ find: () => undefined })

export function readBadList(bytes: Uint8Array | undefined, dialect: Dialect): ReadList {
  if (bytes === undefined) return { list: none, mistakes: [] }
  return dialect === 'qmail' ? readLiterals(bytes) : readPatterns(bytes)
}

/**
 * The list that a file holds now. A file that has mistakes at the start is refused; one that gets some later changes
 * nothing, and the log says why. @throws FileMistakes
 */
export function followBadList(file: FollowedFile, dialect: Dialect, log: Log): Live<BadList> {
  let good: BadList | undefined
  return file.follow((bytes) => {
    const { list, mistakes } = readBadList(bytes, dialect)
    const [first] = mistakes
    if (first === undefined) return (good = list)
    const { line, text, problem } = first
    if (good === undefined) {
      const all = mistakes.map((each) => ({ ...each, remedy: each.problem }))
      throw new FileMistakes(file.path, all)
    }
    log.error('bad-list.not-taken', { path: file.path, line, text, problem })
    return good
  })
}

/** `user@host`, or `@host` for everybody there; without regard to case. */
function readLiterals(bytes: Uint8Array): ReadList {
  const lines = new Map(controlList(bytes).map(({ text }) => [text.toLowerCase(), text] as const))
  return {
    mistakes: [],
    list: {
      find(text) {
        const plain = text.toLowerCase()
        const at = plain.lastIndexOf('@')
        return lines.get(plain) ?? (at < 0 ? undefined : lines.get(plain.slice(at)))
      },
    },
  }
}

interface Pattern {
  /** As it is written. */
  readonly text: string
  readonly wanted: boolean
  readonly expression: Extract<ExtendedExpression, { ok: true }>
}

function readPatterns(bytes: Uint8Array): ReadList {
  const mistakes: ListMistake[] = []
  const patterns: Pattern[] = []
  for (const { line, text } of controlList(bytes)) {
    const turned = text.startsWith('!')
    const expression = extendedExpression(turned ? text.slice(1) : text)
    if (expression.ok) patterns.push({ text, wanted: !turned, expression })
    else mistakes.push({ line, text, problem: expression.problem })
  }
  return {
    mistakes,
    list: {
      find: (text) =>
        patterns.find(({ expression, wanted }) => expression.matches(text) === wanted)?.text,
    },
  }
}
