/** `postern pause | cont | flush | doqueue | reload | restart | stop`: what qmailctl did to its services, done to the running gateway. */
import { Command } from 'commander'
import { formatMistake } from '../config/format-mistake.ts'
import { legible } from '../formats/plain-line.ts'
import { askSupervisor, untilGone } from '../tools/ask-supervisor.ts'
import { steerQueue } from '../tools/steer-queue.ts'
import type { Restart } from '../tools/supervisor-requests.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { writeJson } from './json.ts'
import { remediesFor } from './remedies.ts'
import { askRunning, type GatewayCommandOptions } from './running-gateway.ts'

function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(configOption())
    .option('--json', 'as JSON')
}

/** The answer for a program, or a line for a person. */
function say({ json }: GatewayCommandOptions, answer: object, line: string): void {
  if (json === true) writeJson(answer)
  else process.stdout.write(`${line}\n`)
}

/** Deliveries alone outlive a restart: whoever restarts wants mail to be taken again. */
export function pauseCommand(): Command {
  return command('pause', 'deliver nothing until `postern cont`; mail is still taken')
    .option('--accept', 'and take no mail: clients are told to come back later (421)')
    .action(async (options: GatewayCommandOptions & { readonly accept?: true }) => {
      const { config, accept } = options
      if (accept === true) {
        const of = { everybody: false }
        if ((await askRunning(options, 'admit', { of })) === undefined) return
      }
      await steerQueue(config, { what: 'pause', scope: { what: 'all' } })
      const admits = accept !== true
      say(
        options,
        { deliveries: 'paused', ...(admits ? {} : { admits }) },
        `deliveries paused${admits ? '' : ', clients are told to come back later'}`,
      )
    })
}

export function contCommand(): Command {
  return command('cont', 'deliver again, what waited at once, and take mail again').action(
    async (options: GatewayCommandOptions) => {
      const { config } = options
      await steerQueue(config, { what: 'resume', scope: { what: 'all' } })
      await askSupervisor(config, 'admit', { everybody: true })
      say(options, { deliveries: 'running', admits: true }, 'deliveries go on, mail is taken')
    },
  )
}

export function flushCommand(name: 'flush' | 'doqueue'): Command {
  return command(name, 'try every queued message now').action(
    async (options: GatewayCommandOptions) => {
      const answer = await askRunning(options, 'flush')
      if (answer === undefined) return
      say(options, answer, `${countOf(answer.messages, 'message')} due now`)
    },
  )
}

export function reloadCommand(): Command {
  return command(
    'reload',
    'read the configuration anew; with mistakes in it nothing changes',
  ).action(async (options: GatewayCommandOptions) => {
    const report = await askRunning(options, 'reload')
    if (report === undefined) return
    const { ok, mistakes, needsRestart } = report
    if (options.json === true) writeJson(report)
    else {
      writeMistakes(mistakes)
      if (ok) process.stdout.write('The configuration is in force.\n')
      else
        process.stderr.write(
          `${countOf(mistakes.length, 'mistake')}: the configuration stays as it was\n`,
        )
      for (const [remedy, keys] of remediesFor(needsRestart)) {
        process.stdout.write(`${remedy} is needed for: ${keys}\n`)
      }
    }
    if (!ok) process.exitCode = 1
  })
}

export function restartCommand(): Command {
  return graceful('restart', 'new workers, with plugins as they are now; nobody is refused').action(
    async (options: GraceOptions) => {
      const answer = await askRunning(options, 'restart', { of: graceOf(options) })
      if (answer === undefined) return
      if (options.json === true) writeJson(answer)
      else {
        writeMistakes(answer.doubts, 'warning: ')
        if (answer.ok) process.stdout.write('New workers are at work.\n')
        else {
          writeMistakes(answer.mistakes)
          process.stderr.write('The workers have not all been replaced.\n')
        }
      }
      if (!answer.ok) process.exitCode = 1
    },
  )
}

/** LSB: to stop what does not run is no failure. */
export function stopCommand(): Command {
  return graceful('stop', 'end the gateway; sessions and deliveries under way may finish').action(
    async (options: GraceOptions) => {
      const answer = await askRunning(options, 'stop', { of: graceOf(options), otherwise: 0 })
      if (answer === undefined) return
      const gone = await untilGone(options.config, answer.graceMs)
      say(options, { ...answer, stopped: gone }, gone ? 'stopped' : 'still stopping')
      if (!gone) process.exitCode = 1
    },
  )
}

interface GraceOptions extends GatewayCommandOptions {
  readonly grace?: string
}

function graceful(name: string, description: string): Command {
  return command(name, description).option(
    '--grace <seconds>',
    'what sessions and deliveries may take to end; 30 where nothing is said',
  )
}

function graceOf({ grace }: GraceOptions): { graceMs: number } | null {
  if (grace === undefined) return null
  const seconds = Number(grace)
  if (!(seconds >= 0)) throw new Error(`--grace: ${grace} is not a number of seconds`)
  return { graceMs: seconds * 1_000 }
}

function writeMistakes(mistakes: Restart['doubts'], before = ''): void {
  for (const mistake of mistakes) {
    process.stderr.write(`${before}${legible(formatMistake(mistake))}\n`)
  }
}
