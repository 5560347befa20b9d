/**
 * A list of what is not wanted, in either of the dialects that qmail's patches have: `qmail`, literal addresses and
 * `@host`; `jms`, POSIX extended expressions without regard to case, unanchored, turned round by `!`. Expressions run on a
 * matcher that takes linear time, whatever the operator writes and whatever a client sends.
 */
import { RE2JS } from 're2js'
import { controlList, type FollowedFile, type Live, type Log } from 'postern/plugin'

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
 * nothing, and the log says why. @throws Error naming file, line and problem
 */
export function followBadList(file: FollowedFile, dialect: Dialect, log: Log): Live<BadList> {
  let good: BadList | undefined
  return file.follow((bytes) => {
    const { list, mistakes } = readBadList(bytes, dialect)
    const [first] = mistakes
    if (first === undefined) return (good = list)
    const { line, text, problem } = first
    if (good === undefined) throw new Error(`${file.path}:${line}: ${text}: ${problem}`)
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

function readPatterns(bytes: Uint8Array): ReadList {
  const mistakes: ListMistake[] = []
  const patterns: { readonly text: string; readonly wanted: boolean; readonly pattern: RE2JS }[] =
    []
  for (const { line, text } of controlList(bytes)) {
    const turned = text.startsWith('!')
    try {
      const pattern = RE2JS.compile(turned ? text.slice(1) : text, RE2JS.CASE_INSENSITIVE)
      patterns.push({ text, wanted: !turned, pattern })
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      mistakes.push({ line, text, problem })
    }
  }
  return {
    mistakes,
    list: {
      find: (text) =>
        patterns.find(({ pattern, wanted }) => pattern.matcher(text).find() === wanted)?.text,
    },
  }
}
