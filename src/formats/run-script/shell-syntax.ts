/**
 * The part of the shell that run scripts of the qmail world are written in, as a tree. Strict: whatever else stands in a
 * script (arithmetic, `[[`, arrays …) is a ShellSyntaxError with its line, never a guess.
 */

export interface Word {
  readonly parts: readonly WordPart[]
  /** Some part of it was quoted: an empty one is still a word. */
  readonly quoted: boolean
}

export type WordPart =
  | { readonly part: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly part: 'variable'
      readonly name: string
      readonly quoted: boolean
      readonly otherwise?: Otherwise
    }
  | {
      readonly part: 'output'
      readonly script: readonly Command[]
      readonly text: string
      readonly quoted: boolean
    }

/** What stands behind the name in `${NAME:-word}`. */
export interface Otherwise {
  readonly word: Word
  /**
   * `-`: the word in place of a variable that is not set; `=`: and it is set to it; `?`: the script ends there; `+`: the
   * word in place of one that is set.
   */
  readonly sign: '-' | '=' | '?' | '+'
  /** With a colon: one that is empty counts as one that is not set. */
  readonly even: boolean
}

export type Command =
  | SimpleCommand
  | Loop
  | { readonly do: 'pipe'; readonly stages: readonly Command[]; readonly line: number }
  | { readonly do: 'not'; readonly command: Command; readonly line: number }
  | {
      readonly do: 'both' | 'either'
      readonly left: Command
      readonly right: Command
      readonly line: number
    }
  | {
      readonly do: 'if'
      readonly branches: readonly Branch[]
      readonly otherwise: readonly Command[]
      readonly line: number
    }
  | {
      readonly do: 'case'
      readonly word: Word
      readonly branches: readonly CaseBranch[]
      readonly line: number
    }
  | {
      /** `{ …; }`, or `( … )`: what that sets or ends is forgotten behind it. */
      readonly do: 'group'
      readonly body: readonly Command[]
      readonly isSubshell: boolean
      readonly line: number
    }
  | {
      readonly do: 'define'
      readonly name: string
      readonly body: Command
      readonly line: number
    }
  | {
      readonly do: 'for'
      readonly name: string
      readonly words: readonly Word[]
      readonly body: readonly Command[]
      readonly line: number
    }

export interface Loop {
  readonly do: 'loop'
  readonly test: readonly Command[]
  /** What the test says for another round: true for `while`, false for `until`. */
  readonly goesOnAt: boolean
  readonly body: readonly Command[]
  readonly line: number
}

export interface SimpleCommand {
  readonly do: 'run'
  readonly assignments: readonly { readonly name: string; readonly word: Word }[]
  readonly words: readonly Word[]
  /** What stands behind `<`. Output may go where it likes. */
  readonly input?: Word
  readonly line: number
}

export interface Branch {
  readonly test: readonly Command[]
  readonly body: readonly Command[]
}

/** `a|b) …;;` of a case. */
export interface CaseBranch {
  readonly patterns: readonly Word[]
  readonly body: readonly Command[]
}

export class ShellSyntaxError extends Error {
  readonly line: number

  constructor(line: number, problem: string) {
    super(problem)
    this.line = line
  }
}
