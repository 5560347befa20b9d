import { Argument, Command } from 'commander'
import { completionScript, shells, type Shell } from './completion-scripts.ts'
import { completionTree } from './completion-tree.ts'

/** `postern completion bash|zsh|fish`: a script that the shell reads. @param whole `postern` with all of its commands */
export function completionCommand(whole: () => Promise<Command>): Command {
  return new Command('completion')
    .description('print a script that completes commands and options in your shell')
    .addArgument(new Argument('<shell>', 'whose').choices(shells))
    .action(async (shell: Shell) => {
      process.stdout.write(completionScript(shell, completionTree(await whole())))
    })
}
