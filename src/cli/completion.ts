import { Argument, Command } from 'commander'
import { completionScript, shells, type Shell } from './completion-scripts.ts'
import { topics } from './help.ts'
import { completionTree, type CompletionNode } from './completion-tree.ts'

/** `postern completion bash|zsh|fish`: a script that the shell reads. @param whole `postern` with all of its commands */
export function completionCommand(whole: () => Promise<Command>): Command {
  return new Command('completion')
    .description('print a script that completes commands and options in your shell')
    .addArgument(new Argument('<shell>', 'whose').choices(shells))
    .action(async (shell: Shell) => {
      process.stdout.write(completionOf(await whole(), shell))
    })
}

/** @param program `postern` with all of its commands */
export function completionOf(program: Command, shell: Shell): string {
  const nodes = completionTree(program)
  return completionScript(
    shell,
    nodes.map((node) => withTopics(node, nodes)),
  )
}

/** `postern help` is about every command, and about topics. */
function withTopics(node: CompletionNode, nodes: readonly CompletionNode[]): CompletionNode {
  if (node.path !== 'help') return node
  const commands = nodes.find(({ path }) => path === '')?.words ?? []
  const named = commands.filter(({ isCommand }) => isCommand)
  const about = topics.map((word) => ({ word, about: 'a topic', isCommand: false }))
  return { ...node, words: [...about, ...named.map((each) => ({ ...each, isCommand: false }))] }
}
