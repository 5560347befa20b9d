import type { Command } from 'commander'

/** What may follow the words of one command. */
export interface CompletionNode {
  /** The names of commands after `postern`, with blanks; empty for `postern` itself. */
  readonly path: string
  /** Commands below it, and arguments of which there are only some. */
  readonly words: readonly CompletionWord[]
  readonly options: readonly CompletionWord[]
  readonly values: readonly CompletionValue[]
  /** It has arguments that may be anything: a file, as far as a shell knows. */
  readonly takesAnything: boolean
}

export interface CompletionWord {
  readonly word: string
  readonly about: string
  /** A command that leads to a node of its own. */
  readonly isCommand: boolean
}

/** What follows an option that wants a value. */
export interface CompletionValue {
  /** As it may be written: `--limit`, `-n`. */
  readonly options: readonly string[]
  /** None where it may be anything: a file, as far as a shell knows. */
  readonly choices: readonly string[]
}

/** Of a command and all below it, parents first. */
export function completionTree(command: Command, path = ''): readonly CompletionNode[] {
  const commands = command.commands.map((each) => {
    return { word: each.name(), about: each.description(), isCommand: true }
  })
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map((word) => ({ word, about: description, isCommand: false })),
  )
  const seen = command.options.filter(({ hidden }) => !hidden)
  const options = seen
    .filter(({ long }) => typeof long === 'string')
    .map(({ long, description }) => ({ word: long ?? '', about: description, isCommand: false }))
  const values = seen
    .filter(({ required, optional }) => required || optional)
    .map(({ long, short, argChoices = [] }) => {
      return {
        options: [long, short].filter((each) => typeof each === 'string'),
        choices: argChoices,
      }
    })
  const below = command.commands.flatMap((each) =>
    completionTree(each, `${path} ${each.name()}`.trim()),
  )
  const takesAnything = command.registeredArguments.some(
    ({ argChoices }) => argChoices === undefined,
  )
  return [{ path, words: [...commands, ...choices], options, values, takesAnything }, ...below]
}
