import { Command } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { findTrace } from '../tools/find-trace.ts'
import { configOption } from './config-option.ts'
import { formatTrace } from './format-trace.ts'

/** `postern trace last | ID`: what happened to a message, step by step, and why. */
export function traceCommand(): Command {
  return new Command('trace')
    .description('explain what happened to a message or a refused connection')
    .argument('[which]', 'last, or the id of a transaction, a session or a queued message', 'last')
    .option('--json', 'everything that was recorded, as JSON')
    .addOption(configOption())
    .action(async (which: string, { config, json }: { config: string; json?: true }) => {
      const trace = await unlessMissing(findTrace(config, which))
      if (trace === undefined) {
        process.stderr.write(
          which === 'last'
            ? 'Nothing has been recorded yet; postern send sends a test message.\n'
            : `Nothing is recorded under ${legible(which)}.\n`,
        )
        process.exitCode = 1
        return
      }
      process.stdout.write(
        json === true ? `${JSON.stringify(trace, undefined, 2)}\n` : formatTrace(trace),
      )
    })
}
