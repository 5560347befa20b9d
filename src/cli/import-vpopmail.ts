import { Command } from 'commander'
import {
  formatDomainAlias,
  formatMailAlias,
  formatMailDomain,
} from '../formats/mail-domain-lines.ts'
import { legible } from '../formats/plain-line.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { carryOut, planImport } from '../tools/import-vpopmail.ts'
import { becomeAccountOf } from '../tools/privileges/as-account.ts'
import { readVpopmail } from '../tools/read-vpopmail.ts'
import { withAccounts } from '../tools/user-accounts.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { countedReads } from './counted-reads.ts'
import { jsonOption, writeJson, type JsonOptions } from './json.ts'
import { withProgress } from './progress.ts'

interface Options extends JsonOptions {
  readonly config: string
  readonly dump?: string
  readonly assign: string
  readonly dryRun?: true
}

/** `postern import-vpopmail`: domains, users and aliases of a vpopmail, hashes and quotas included. */
export function importVpopmailCommand(): Command {
  return new Command('import-vpopmail')
    .description('take over the domains, users and aliases of a vpopmail')
    .argument('[home]', 'with domains/ in it, such as /home/vpopmail')
    .option(
      '--dump <file>',
      'of its MySQL tables vpopmail, valias, limits, dir_control, aliasdomains',
    )
    .option('--assign <file>', 'of its qmail: alias domains', '/var/qmail/users/assign')
    .option('--dry-run', 'only say what would be taken over')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(run)
}

async function run(home: string | undefined, options: Options): Promise<void> {
  const { config, dump, assign, dryRun, json } = options
  if (home === undefined && dump === undefined) {
    throw new Error('name the home of vpopmail, or a dump of its tables with --dump')
  }
  const sources = {
    assign,
    ...(home === undefined ? {} : { home }),
    ...(dump === undefined ? {} : { dump }),
  }
  const found = await withProgress('files read', (told) =>
    readVpopmail(countedReads(systemDisk, told), sources),
  )
  const plan = planImport(found)
  const { domains, domainAliases, users, aliases, doubts } = plan
  for (const doubt of doubts) process.stderr.write(`warning: ${legible(doubt)}\n`)
  if (dryRun === true && json !== true) {
    for (const domain of domains) process.stdout.write(`${formatMailDomain(domain)}\n`)
    for (const alias of domainAliases) process.stdout.write(`${formatDomainAlias(alias)}\n`)
    for (const { user } of users) process.stdout.write(`user ${legible(user)}\n`)
    for (const alias of aliases) process.stdout.write(`${formatMailAlias(alias)}\n`)
  } else if (dryRun !== true) {
    // What vpopmail has is read: root was needed for that, and the rest is the account's.
    await becomeAccountOf(config)
    await withProgress('taking over', (told) =>
      withAccounts(config, (accounts) => carryOut(accounts, plan, told)),
    )
  }
  if (json === true) {
    const names = users.map(({ user }) => user)
    const written = dryRun !== true
    return writeJson({ written, domains, domainAliases, users: names, aliases, doubts })
  }
  const counts = [
    countOf(domains.length, 'domain'),
    ...(domainAliases.length === 0 ? [] : [countOf(domainAliases.length, 'other name')]),
    countOf(users.length, 'user'),
    countOf(aliases.length, 'alias', 'aliases'),
  ]
  const done = dryRun === true ? 'would be taken over' : 'taken over'
  process.stdout.write(`${counts.join(', ')} ${done}\n`)
}
