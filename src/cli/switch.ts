import { Command, Option } from 'commander'
import { formatMistake } from '../config/format-mistake.ts'
import { legible } from '../formats/plain-line.ts'
import { switchEntry, type ChangedLine, type SwitchRequest } from '../tools/switch-entry.ts'
import { configOption } from './config-option.ts'
import { jsonOption, writeJson, type JsonOptions } from './json.ts'

interface Options extends JsonOptions {
  readonly config: string
  readonly mode: 'enforce' | 'shadow'
  readonly untried?: true
}

/** `postern enable ENTRY`: turns an entry of the chain on, once it has shown that it could work. */
export function enableCommand(): Command {
  return new Command('enable')
    .description('turn an entry of the chain on, after trying whether it could work')
    .argument('<entry>', 'its name in the chain')
    .addOption(
      new Option('--mode <mode>', 'shadow: only record what it would have done')
        .choices(['enforce', 'shadow'])
        .default('enforce'),
    )
    .option('--untried', 'without trying it')
    .addOption(jsonOption())
    .addOption(configOption())
    .action((name: string, { config, mode, untried, json }: Options) =>
      change(config, { name, mode, ...(untried === undefined ? {} : { untried }) }, json),
    )
}

/** `postern disable ENTRY`. */
export function disableCommand(): Command {
  return new Command('disable')
    .description('turn an entry of the chain off')
    .argument('<entry>', 'its name in the chain')
    .addOption(jsonOption())
    .addOption(configOption())
    .action((name: string, { config, json }: Options) =>
      change(config, { name, mode: 'off' }, json),
    )
}

/** Says what came of it, and how the file differs where it was only tried. */
export async function change(config: string, request: SwitchRequest, json?: true): Promise<void> {
  const switched = await switchEntry(config, request)
  if (!switched.done) process.exitCode = 1
  if (json === true) return writeJson({ entry: request.name, mode: request.mode, ...switched })
  if (switched.done) {
    for (const doubt of switched.doubts) process.stderr.write(`warning: ${formatMistake(doubt)}\n`)
    const { name, mode, dryRun = false, from } = request
    if (switched.found !== undefined) process.stdout.write(`${legible(switched.found)}\n`)
    if (dryRun || from !== undefined) process.stdout.write(switched.changed.map(diffLine).join(''))
    if (dryRun) {
      process.stdout.write(`${legible(name)} would be ${mode}; nothing was changed\n`)
      return
    }
    const as = switched.before === mode ? 'was' : 'is now'
    process.stdout.write(`${legible(name)} ${as} ${mode}; a running gateway follows the file\n`)
    return
  }
  if ('problem' in switched) process.stderr.write(`${legible(switched.problem)}\n`)
  else for (const mistake of switched.mistakes) process.stderr.write(`${formatMistake(mistake)}\n`)
  process.stderr.write('nothing was changed\n')
}

function diffLine({ line, was, is }: ChangedLine): string {
  return `postern.yaml:${line} ${was === undefined ? `+${legible(is ?? '')}` : `-${legible(was)}`}\n`
}
