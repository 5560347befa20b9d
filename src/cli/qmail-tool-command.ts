/** A program in place of one of qmail's: with its arguments, its words and its exit codes, which no parser of ours touches. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { systemClock } from '../runtime/node/clock.ts'
import { readDescriptor } from '../runtime/node/descriptor.ts'
import { nodeForeground } from '../runtime/node/foreground.ts'
import { nodePrograms } from '../runtime/node/programs.ts'
import type { Surroundings } from '../tools/qmail/surroundings.ts'
import { defaultConfig } from './config-option.ts'
import type { QmailTool } from './qmail-tools.ts'

/** `--config` is said by POSTERN_CONFIG: these programs have options of their own. */
export function qmailToolCommand(
  name: string,
  { usage, about, run, forOthers }: QmailTool,
): Command {
  return new Command(name)
    .description(about)
    .usage(usage)
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async () => {
      const config = resolve(process.env['POSTERN_CONFIG'] ?? defaultConfig())
      if (forOthers === true) process.umask(0o033)
      const { exit, out, err } = await run(surroundings(config), config)
      process.stdout.write(out, 'latin1')
      process.stderr.write(err, 'latin1')
      process.exitCode = exit
    })
}

function surroundings(config: string): Surroundings {
  const environment = new Map(
    Object.entries(process.env).map(([name, value]) => [name, value ?? '']),
  ).set('POSTERN_CONFIG', config)
  const postern = fileURLToPath(new URL('../../bin/postern', import.meta.url))
  return {
    args: process.argv.slice(3),
    environment,
    input: () => readDescriptor(0),
    foreground: nodeForeground,
    queue: {
      programs: nodePrograms(systemClock),
      environment,
      otherwise: [postern, 'qmail-queue'],
    },
    now: () => systemClock.now(),
    pid: process.pid,
    hostname: hostname(),
    postern,
  }
}
