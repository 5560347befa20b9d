/** `postern queue hold | release | retry | delete | bounce | pause | resume | paused`: the running gateway does it, or we do where none runs. */
import { Command } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { concernedBy, readScopes, wordsOf, type PauseScope } from '../tools/pause-scopes.ts'
import type { QueueRequest } from '../tools/queue-requests.ts'
import { readSelection } from '../tools/queue-selection.ts'
import { steerQueue } from '../tools/steer-queue.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { notQueued } from './not-queued.ts'
import { jsonOption, writeJson, type JsonOptions } from './json.ts'
import { withSelection, type SelectionOptions } from './selection-options.ts'

interface Action {
  readonly name: string
  readonly action: Extract<QueueRequest, { readonly what: 'apply' }>['action']
  readonly description: string
  /** What has been done to the messages. */
  readonly done: string
}

const actions = [
  { name: 'hold', action: 'hold', done: 'held', description: 'keep messages from being tried' },
  {
    name: 'release',
    action: 'release',
    done: 'released',
    description: 'let held messages go',
  },
  {
    name: 'retry',
    action: 'retry',
    done: 'due now',
    description: 'try messages now, and next hops that did not answer again',
  },
  {
    name: 'delete',
    action: 'remove',
    done: 'deleted',
    description: 'remove messages, and tell nobody',
  },
  {
    name: 'bounce',
    action: 'bounce',
    done: 'returned',
    description: 'return messages to their senders',
  },
] as const satisfies readonly Action[]

const mostNamed = 20

interface ActionOptions extends SelectionOptions, JsonOptions {
  readonly config: string
  readonly route?: string
  readonly all?: boolean
  readonly dryRun?: boolean
}

export function actionCommands(): readonly Command[] {
  const pauses = [pauseCommand('pause'), pauseCommand('resume'), pausedCommand()]
  return [...actions.map(actionCommand), ...pauses]
}

function actionCommand(of: Action): Command {
  const { name, description } = of
  return withSelection(new Command(name).description(description).argument('[ids...]'))
    .option('--route <name>', 'that go to this next hop: the domain, or the relay of smtproutes')
    .option('--all', 'every message')
    .option('-n, --dry-run', 'only say which')
    .addOption(jsonOption())
    .addOption(configOption())
    .action((ids: string[], options: ActionOptions) => applyTo(of, ids, options))
}

/** To messages that are queued now. */
async function applyTo(
  { name, action, done }: Action,
  ids: string[],
  { config, all, dryRun = false, json, ...written }: ActionOptions,
): Promise<void> {
  const selection = readSelection({ ids, ...written })
  if (all !== true && Object.keys(selection).length === 0) {
    throw new Error(`say which messages to ${name}, or --all`)
  }
  const answer = await steerQueue(config, { what: 'apply', action, selection, dryRun })
  if (answer.what !== 'applied') return
  const { applied, absent = [] } = answer
  complainOf(applied.missing ?? [], absent)
  if (json === true) return writeJson({ action: name, dryRun, ...applied })
  if (dryRun) for (const id of applied.ids) process.stdout.write(`${legible(id)}\n`)
  const messages = countOf(applied.count, 'message')
  process.stdout.write(`${messages} ${dryRun ? `would be ${done}` : done}\n`)
}

/** What could not be done makes the command fail, though the rest is done. */
function complainOf(missing: readonly string[], absent: readonly number[]): void {
  for (const id of missing.slice(0, mostNamed)) process.stderr.write(notQueued(id))
  if (missing.length > mostNamed) {
    process.stderr.write(`Nor are there ${missing.length - mostNamed} more of those.\n`)
  }
  for (const worker of absent) {
    process.stderr.write(
      `Worker ${worker} is being replaced and was not asked: what is queued there is as it was. Try again.\n`,
    )
  }
  if (missing.length > 0 || absent.length > 0) process.exitCode = 1
}

type PauseOptions = Omit<ActionOptions, 'all'>

/** Ids and ages mean messages that are there: they are held or released. All else means what comes, too. */
function pauseCommand(what: 'pause' | 'resume'): Command {
  const description =
    what === 'pause'
      ? 'deliver nothing until a resume, restarts included; messages are still taken'
      : 'deliver again, what waited at once'
  return withSelection(new Command(what).description(description).argument('[ids...]'))
    .option('--route <name>', 'only what goes to this next hop')
    .option('-n, --dry-run', 'only say which messages that are queued')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async (ids: string[], options: PauseOptions) => {
      const { config, dryRun = false, json, ...written } = options
      const { olderThan, newerThan, held, heldBounces } = written
      const chosen = [olderThan, newerThan, held, heldBounces].some((value) => value !== undefined)
      if (ids.length > 0 || chosen) {
        const [hold, release] = actions
        if (what === 'pause') return applyTo(hold, ids, { ...options, dryRun })
        // Mail in quarantine is let go by its name alone: nobody has paused it.
        const meant = ids.length > 0 ? {} : { quarantined: false }
        return applyTo(release, ids, { ...options, ...meant, dryRun })
      }
      const scopes = readScopes(written)
      if (dryRun) return tell(what, scopes, { config, json })
      let paused: Scopes = []
      for (const scope of scopes) {
        const answer = await steerQueue(config, { what, scope })
        if (answer.what === 'pauses') paused = answer.scopes
      }
      write(paused, json)
    })
}

async function tell(
  what: 'pause' | 'resume',
  scopes: readonly PauseScope[],
  { config, json }: { readonly config: string; readonly json: true | undefined },
): Promise<void> {
  const concerned = await concernedBy(config, what, scopes)
  if (json === true) return writeJson({ action: what, dryRun: true, concerned })
  for (const { scope, isPaused, count, ids } of concerned) {
    for (const id of ids) process.stdout.write(`${legible(id)}\n`)
    const messages = `${countOf(count, 'message')} would be ${what}d`
    const remark = isPaused ? '' : ', which is not paused'
    process.stdout.write(`${messages}: ${legible(wordsOf(scope))}${remark}\n`)
  }
}

function pausedCommand(): Command {
  return new Command('paused')
    .description('what is paused')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async ({ config, json }: PauseOptions) => {
      const answer = await steerQueue(config, { what: 'pauses' })
      if (answer.what === 'pauses') write(answer.scopes, json)
    })
}

type Scopes = readonly PauseScope[]

function write(scopes: Scopes, json?: true): void {
  if (json === true) return writeJson({ paused: scopes })
  const names = scopes.map((scope) => legible(wordsOf(scope)))
  process.stdout.write(`paused: ${names.length === 0 ? 'nothing' : names.join(', ')}\n`)
}
