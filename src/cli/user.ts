import { Command, Option } from 'commander'
import type { Instant } from '../mail/instant.ts'
import { formatQuota, parseQuota, type Quota } from '../mail/quota.ts'
import { legible } from '../formats/plain-line.ts'
import type { Account } from '../runtime/accounts.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { checkRoomForUser } from '../tools/mail-domains.ts'
import {
  accountLine,
  allAccounts,
  checkName,
  dovecotLine,
  importAccounts,
  passwordKept,
  passwordProblem,
  withAccounts,
} from '../tools/user-accounts.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { jsonLinesOption, jsonOption, writeJson, writeJsonLine, type JsonOptions } from './json.ts'
import { withProgress } from './progress.ts'
import { readPassword } from './read-password.ts'

interface Options extends JsonOptions {
  readonly config: string
}

interface ExportOptions extends Options {
  readonly dovecot?: boolean
}

interface AddOptions extends Options {
  readonly variable: readonly string[]
  readonly expires?: string
  readonly quota?: string
}

/**
 * `postern user …`: who may log in by the plugin `accounts`, and has a mailbox where the domain is one of `postern
 * domain`. A running gateway sees each change at the next login, and at the next message.
 */
export function userCommand(): Command {
  const command = new Command('user').description('accounts: who may log in')
  const sub = (name: string, what: string): Command => {
    const made = new Command(name).description(what).addOption(configOption())
    command.addCommand(made)
    return made
  }
  sub('add', 'make an account; the password comes from a prompt or the first line of the input')
    .argument('<user>')
    .option('--variable <name=value...>', 'in force after the login, above tcp.smtp', [])
    .option('--expires <date>', 'when the password ends, such as 2027-12-31')
    .option(
      '--quota <quota>',
      'of the mailbox: 100MB, 100MB,5000C or none; else that of the domain',
    )
    .addOption(jsonOption())
    .action(add)
  sub('passwd', 'set another password, from a prompt or the first line of the input')
    .argument('<user>')
    .addOption(jsonOption())
    .action(passwd)
  sub('list', 'all accounts')
    .addOption(jsonLinesOption())
    .option('--domain <domain>', 'only its users')
    .action(list)
  sub(
    'quota',
    'how much a mailbox may hold: 100MB, 100MB,5000C, none, or default for that of its domain',
  )
    .argument('<user>')
    .argument('<quota>')
    .addOption(jsonOption())
    .action(setQuota)
  sub('disable', 'no login from now on; mail still comes')
    .argument('<user>')
    .addOption(whatOption())
    .addOption(jsonOption())
    .action(disable)
  sub('enable', 'what was disabled')
    .argument('<user>')
    .addOption(whatOption())
    .addOption(jsonOption())
    .action(enable)
  sub('remove', 'take accounts away').argument('<user...>').addOption(jsonOption()).action(remove)
  sub('export', 'all accounts with their hashes, as text')
    .option('--dovecot', 'as a passwd-file of Dovecot: those that may log in')
    .action(exportAll)
  sub('import', 'take in such a text from the input, in place of equal users')
    .addOption(jsonOption())
    .action(importAll)
  return command
}

async function add(user: string, options: AddOptions): Promise<void> {
  const { config, variable, expires, quota, json } = options
  checkName(user)
  const variables = new Map(variable.map(variableOf))
  const expiresAt = expires === undefined ? undefined : Date.parse(expires)
  if (Number.isNaN(expiresAt)) throw new Error(`${expires} is no date; write 2027-12-31`)
  const kept = await passwordKept(await password(user))
  const account = {
    user,
    ...kept,
    variables,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(quota === undefined ? {} : { quota: quotaIn(quota) }),
  }
  const added = await withAccounts(config, async (accounts) => {
    await checkRoomForUser(accounts, account)
    return accounts.add(account)
  })
  if (!added) throw new Error(`there is an account ${user} already; see postern user passwd`)
  if (json === true) await tell(config, user)
}

/** The account as it is now. */
async function tell(config: string, user: string): Promise<void> {
  const account = await withAccounts(config, async (accounts) => accounts.find(user))
  if (account !== undefined) writeJson(factsOf(account))
}

async function passwd(user: string, { config, json }: Options): Promise<void> {
  await withAccounts(config, async (accounts) => {
    const account = await accounts.find(user)
    if (account === undefined) throw new Error(`there is no account ${user}`)
    const kept = await passwordKept(await password(user))
    const changed = await accounts.change({ ...account, ...kept })
    if (!changed) throw new Error(`the account ${user} was removed meanwhile`)
  })
  if (json === true) await tell(config, user)
}

const whats = { login: 'no-login', smtp: 'no-smtp', pop: 'no-pop', mail: 'no-mail' } as const

interface WhatOptions extends Options {
  readonly what: keyof typeof whats
}

function whatOption(): Option {
  return new Option('--what <what>', 'login at all, by SMTP, by POP3, or mail for it')
    .choices(Object.keys(whats))
    .default('login')
}

async function disable(user: string, { what, ...options }: WhatOptions): Promise<void> {
  await changeAccount(options, user, (account) => ({
    ...account,
    flags: new Set([...(account.flags ?? []), whats[what]]),
  }))
}

async function enable(user: string, { what, ...options }: WhatOptions): Promise<void> {
  await changeAccount(options, user, (account) => ({
    ...account,
    flags: new Set([...(account.flags ?? [])].filter((flag) => flag !== whats[what])),
  }))
}

async function setQuota(user: string, text: string, options: Options): Promise<void> {
  await changeAccount(options, user, (account) => {
    const { quota: _, ...rest } = account
    return text === 'default' ? rest : { ...rest, quota: quotaIn(text) }
  })
}

async function changeAccount(
  { config, json }: Options,
  user: string,
  changed: (account: Account) => Account,
): Promise<void> {
  await withAccounts(config, async (accounts) => {
    const before = await accounts.find(user)
    if (before === undefined) throw new Error(`there is no account ${user}`)
    const account = changed(before)
    await checkRoomForUser(accounts, account)
    if (!(await accounts.change(account))) throw new Error(`${user} was removed meanwhile`)
  })
  if (json === true) await tell(config, user)
}

function quotaIn(text: string): Quota {
  const quota = parseQuota(text)
  if (quota === undefined) throw new Error(`${text} is no quota; write 100MB, 100MB,5000C or none`)
  return quota
}

interface ListOptions extends Options {
  readonly domain?: string
}

async function list({ config, json, domain }: ListOptions): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for await (const account of allAccounts(accounts, domain)) {
      if (json === true) writeJsonLine(factsOf(account))
      else process.stdout.write(`${line(factsOf(account))}\n`)
    }
  })
}

/** Nothing of the password. */
function factsOf(account: Account & { readonly changedAt?: Instant }): Facts {
  const { user, scram, variables, expiresAt, changedAt, quota, flags } = account
  return {
    user,
    scram: scram !== undefined,
    variables: [...variables.keys()],
    ...(changedAt === undefined ? {} : { changed: dateOf(changedAt) }),
    ...(expiresAt === undefined ? {} : { expires: dateOf(expiresAt) }),
    ...(quota === undefined ? {} : { quota: formatQuota(quota) }),
    ...(flags === undefined ? {} : { flags: [...flags] }),
  }
}

interface Facts {
  readonly user: string
  readonly scram: boolean
  readonly variables: readonly string[]
  readonly changed?: string
  readonly expires?: string
  readonly quota?: string
  readonly flags?: readonly string[]
}

function line({ user, scram, variables, changed, expires, quota, flags = [] }: Facts): string {
  return [
    legible(user).padEnd(32),
    ...(changed === undefined ? [] : [`changed ${changed.slice(0, 10)}`]),
    ...(scram ? [] : ['no SCRAM']),
    ...(expires === undefined ? [] : [`expires ${expires.slice(0, 10)}`]),
    ...(quota === undefined ? [] : [`quota ${quota}`]),
    ...flags,
    ...variables,
  ].join('  ')
}

async function remove(users: readonly string[], { config, json }: Options): Promise<void> {
  const removed: string[] = []
  await withAccounts(config, async (accounts) => {
    for (const user of users) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, each told
      if (await accounts.remove(user)) {
        removed.push(user)
        continue
      }
      process.stderr.write(`there is no account ${legible(user)}\n`)
      process.exitCode = 1
    }
  })
  if (json === true) writeJson({ removed })
}

async function exportAll({ config, dovecot }: ExportOptions): Promise<void> {
  let leftOut = 0
  await withAccounts(config, async (accounts) => {
    for await (const account of allAccounts(accounts)) {
      const line = dovecot === true ? dovecotLine(account, systemClock.now()) : accountLine(account)
      if (line === undefined) leftOut += 1
      else process.stdout.write(`${line}\n`)
    }
  })
  if (leftOut > 0) {
    process.stderr.write(
      `${countOf(leftOut, 'user')} left out: who may not log in now, and whose name or hash Dovecot cannot read\n`,
    )
  }
}

async function importAll({ config, json }: Options): Promise<void> {
  const text = Buffer.concat(await Array.fromAsync<Uint8Array>(process.stdin)).toString()
  const done = await withProgress('taking in', (told) =>
    withAccounts(config, (accounts) => importAccounts(accounts, text, told)),
  )
  if (json === true) return writeJson(done)
  for (const mistake of done.mistakes) process.stderr.write(`warning: ${legible(mistake)}\n`)
  process.stdout.write(`${countOf(done.added, 'account')} added, ${done.changed} changed\n`)
}

async function password(user: string): Promise<string> {
  const said = await readPassword(user)
  const problem = passwordProblem(said)
  if (problem !== undefined) throw new Error(problem)
  return said
}

function variableOf(text: string): readonly [string, string] {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new Error(`${text} is not NAME=value`)
  return [name, value]
}

function dateOf(instant: number): string {
  return new Date(instant).toISOString()
}
