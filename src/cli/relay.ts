import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { legible } from '../formats/plain-line.ts'
import {
  apply,
  domainProblem,
  hopsProblem,
  planRelay,
  planRemoval,
  relayedDomains,
  type FileChange,
} from '../tools/relayed-domains.ts'
import { configOption } from './config-option.ts'
import { writeJson } from './json.ts'

interface Options {
  readonly config: string
  readonly json?: true
  readonly dryRun?: true
}

interface AddOptions extends Options {
  readonly to: string
  readonly verify?: true
}

/** `postern relay add | list | remove`: domains whose mail is taken and passed on. */
export function relayCommand(): Command {
  const relay = new Command('relay').description('domains whose mail is taken and passed on')
  relay
    .command('add')
    .addArgument(new Argument('<domain>').argParser(faultless(domainProblem)))
    .description('write rcpthosts, smtproutes and the recipient check together, or change them')
    .addOption(
      new Option('--to <hops>', 'host[:port], several with commas: tried in this order')
        .makeOptionMandatory()
        .argParser(faultless(hopsProblem)),
    )
    .option('--verify', 'ask the hops, in this order, whether a recipient exists (call-forward)')
    .option('-n, --dry-run', 'only show what would be written')
    .option('--json', 'as JSON')
    .addOption(configOption())
    .action(async (domain: string, { to, verify, ...options }: AddOptions) =>
      carryOut(planRelay(options.config, { domain, to, verify: verify === true }), options),
    )
  relay
    .command('list', { isDefault: true })
    .description('where the mail of each domain goes, and whether its recipients are verified')
    .option('--json', 'as JSON')
    .addOption(configOption())
    .action(list)
  relay
    .command('remove')
    .addArgument(new Argument('<domain>').argParser(faultless(domainProblem)))
    .description('take and pass on no mail for it any more')
    .option('-n, --dry-run', 'only show what would be written')
    .option('--json', 'as JSON')
    .addOption(configOption())
    .action(async (domain: string, options: Options) =>
      carryOut(planRemoval(options.config, domain), options),
    )
  return relay
}

/** What is written as it is, if there is nothing wrong with it. */
function faultless(problemOf: (text: string) => string | undefined): (text: string) => string {
  return (text) => {
    const problem = problemOf(text)
    if (problem === undefined) return text
    throw new InvalidArgumentError(legible(problem))
  }
}

async function carryOut(changes: readonly FileChange[], options: Options): Promise<void> {
  const { json, dryRun } = options
  if (dryRun !== true) await apply(options.config, changes)
  const shown = changes.map(({ path, before, after }) => ({ path, ...difference(before, after) }))
  if (json === true) return writeJson({ written: dryRun !== true, changes: shown })
  for (const { path, removed, added } of shown) {
    const lines = [...removed.map((line) => `-${line}`), ...added.map((line) => `+${line}`)]
    process.stdout.write(`${path}\n${lines.map((line) => `  ${legible(line)}\n`).join('')}`)
  }
  const [done, nothing] =
    dryRun === true ? ['nothing was written', 'nothing to do'] : ['written', 'nothing to do']
  process.stdout.write(`${changes.length === 0 ? nothing : done}\n`)
}

/** Lines that are only in one of them; what only moved is not named. */
function difference(before: string, after: string) {
  const [old, fresh] = [before.split('\n'), after.split('\n')]
  const [had, has] = [new Set(old), new Set(fresh)]
  return {
    removed: old.filter((line) => !has.has(line)),
    added: fresh.filter((line) => !had.has(line)),
  }
}

function list({ config, json }: Options): void {
  const domains = relayedDomains(config)
  if (json === true) return writeJson(domains)
  for (const { domain, to, accepted, verifiedBy } of domains) {
    const remarks = [
      ...(accepted ? [] : ['not in rcpthosts: only relay clients send there']),
      verifiedBy === undefined ? 'recipients not verified' : `recipients by ${verifiedBy}`,
    ]
    const [hop = '', ...login] = to.split(/\s+/)
    const where = `${hop || 'by MX'}${login.length > 0 ? ' with a login' : ''}`
    process.stdout.write(`${legible(domain)}  ${legible(where)}  ${remarks.join('; ')}\n`)
  }
}
