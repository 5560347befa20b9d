import { Command } from 'commander'
import { runDaemon } from '../main.ts'
import { configOption } from './config-option.ts'

/** `postern start`: the gateway in the foreground, until a signal ends it. */
export function startCommand(): Command {
  return new Command('start')
    .description('run the gateway in the foreground')
    .addOption(configOption())
    .action(async ({ config }: { config: string }) => {
      process.exitCode = await runDaemon(config)
    })
}
