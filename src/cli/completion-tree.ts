import type { Command } from 'commander'

/** What may follow the words of one command. */
export interface CompletionNode {
  /** The names of commands after `postern`, with blanks; empty for `postern` itself. */
  readonly path: string
  readonly words: readonly CompletionWord[]
}

export interface CompletionWord {
  readonly word: string
  readonly about: string
  /** A command that leads to a node of its own. */
  readonly isCommand: boolean
}

/** Of a command and all below it, parents first. */
export function completionTree(command: Command, path = ''): readonly CompletionNode[] {
  const commands = command.commands.map((each) => {
    return { word: each.name(), about: each.description(), isCommand: true }
  })
  const options = command.options
    .filter(({ long, hidden }) => typeof long === 'string' && !hidden)
    .map(({ long, description }) => ({ word: long ?? '', about: description, isCommand: false }))
  const below = command.commands.flatMap((each) =>
    completionTree(each, `${path} ${each.name()}`.trim()),
  )
  return [{ path, words: [...commands, ...options] }, ...below]
}
