import { Command } from 'commander'
import { illegalOption } from '../formats/getopt.ts'
import { parseInjectOptions } from '../formats/inject/inject-options.ts'
import { runInject } from './run-inject.ts'

/** `postern inject`: qmail-inject. Its options are its own: `--config` is said by POSTERN_CONFIG. */
export function injectCommand(): Command {
  return new Command('inject')
    .description('complete a message from standard input and queue it, as qmail-inject')
    .usage('[-nNaAhH] [-fsender] [recipient ...]')
    .helpOption('--help', 'show this')
    .allowUnknownOption()
    .argument('[recipient...]')
    .action(async () => {
      const options = parseInjectOptions(process.argv.slice(3))
      if ('illegal' in options) {
        process.stderr.write(illegalOption('qmail-inject', options.illegal))
        process.exitCode = 100
        return
      }
      await runInject(options, process.env)
    })
}
