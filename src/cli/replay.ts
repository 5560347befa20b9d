/** `postern replay`: what a candidate's configuration would have made of the mail that came. */
import { Command, Option } from 'commander'
import { formatMistake } from '../config/format-mistake.ts'
import { isPosternError } from '../mail/errors.ts'
import { legible } from '../formats/plain-line.ts'
import { describe } from '../rehearsal/replayed-verdict.ts'
import { recordedFolder, runReplay, type ReplayAnswer } from '../rehearsal/run-replay.ts'
import { configOption, defaultConfig } from './config-option.ts'
import { countOf } from './count.ts'
import { countArgument, durationArgument } from './duration-argument.ts'
import { withProgress } from './progress.ts'

interface Options {
  readonly config: string
  readonly traces?: string
  readonly since: number
  readonly limit: number
  readonly json?: true
}

export function replayCommand(): Command {
  return new Command('replay')
    .description(
      'put recorded sessions to a candidate configuration, and say whose verdict changes',
    )
    .addOption(configOption())
    .option(
      '--traces <dir>',
      "the configuration whose traces are replayed; else the candidate's own, or POSTERN_CONFIG's",
    )
    .addOption(
      new Option('--since <time>', 'look back so far')
        .argParser(durationArgument)
        .default(7 * 86_400_000, '7d'),
    )
    .addOption(
      new Option('--limit <count>', 'changed transactions that are listed')
        .argParser(countArgument)
        .default(20),
    )
    .option('--json', 'as JSON')
    .action(async ({ config, traces, since, limit, json }: Options) => {
      const { becomeAccountThatIsThere } = await import('../tools/privileges/as-account.ts')
      const recorded = traces ?? (await recordedFolder(config, folderInUse()))
      const before = process.getuid?.()
      await becomeAccountThatIsThere(recorded)
      const answer = await withProgress('replaying', (progress) =>
        runReplay({
          candidate: config,
          recorded,
          sinceMs: since,
          limit,
          progress,
        }),
      ).catch((error: unknown) => {
        if (isPosternError(error, 'NOT_FOUND')) return undefined
        throw error
      })
      if (answer === undefined) {
        process.stderr.write('Nothing has been recorded yet.\n')
        process.exitCode = 1
        return
      }
      if (answer.mistakes.length > 0) {
        process.exitCode = 1
        if (process.getuid?.() !== before) process.stderr.write(readAsAccount)
      }
      process.stdout.write(
        json === true ? `${JSON.stringify(answer, undefined, 2)}\n` : formatted(answer),
      )
    })
}

/** Whose mail is replayed that a candidate from elsewhere is held against. */
function folderInUse(): string {
  return process.env['POSTERN_CONFIG'] ?? defaultConfig()
}

const readAsAccount =
  'The candidate was read by the account of the gateway, whose traces these are: it must be able to read it.\n'

function formatted(answer: ReplayAnswer): string {
  const { mistakes, transactions, changed, same, notReplayable, since } = answer
  if (mistakes.length > 0) {
    return `${[...mistakes.map(formatMistake), 'nothing was replayed'].join('\n')}\n`
  }
  const lines = [
    `${countOf(transactions, 'transaction')} since ${new Date(since).toISOString().slice(0, 16)}Z: ` +
      `${changed} changed, ${same} the same, ${notReplayable} not replayable`,
    ...changesOf(answer),
    ...listOf(answer),
    ...reasonsOf(answer),
  ]
  return `${lines.map(legible).join('\n')}\n`
}

function changesOf({ changes }: ReplayAnswer): string[] {
  if (changes.length === 0) return []
  return [
    '',
    'Changed, by recipient:',
    ...changes.map(({ from, to, count }) => `${String(count).padStart(7)}  ${from} -> ${to}`),
  ]
}

function listOf({ list, changed }: ReplayAnswer): string[] {
  if (list.length === 0) return []
  const shown = list.length < changed ? `The newest ${list.length} of them:` : 'They are:'
  return [
    '',
    shown,
    ...list.flatMap(({ id, at, client, reversePath, recipients }) => [
      `  ${id}  ${new Date(at).toISOString().slice(0, 19)}Z  ${client}  ${reversePath ?? ''}`,
      ...recipients.map(
        ({ recipient, was, is }) =>
          `    ${recipient ?? 'no recipient'}: ${describe(was)} -> ${describe(is)}`,
      ),
    ]),
  ]
}

function reasonsOf({ reasons }: ReplayAnswer): string[] {
  if (reasons.length === 0) return []
  return [
    '',
    'Not replayable:',
    ...reasons.map(({ entry, why, count, example }) => {
      const whose = entry === undefined ? '' : `${entry}: `
      return `${String(count).padStart(7)}  ${whose}${why}, for example ${example}`
    }),
  ]
}
