/** `postern admin user | token | setup-link`: who may log in to the administration; whether the gateway runs or not. */
import { Command, Option } from 'commander'
import { legible } from '../formats/plain-line.ts'
import {
  adminPermissions,
  adminRoles,
  withAdminDesk,
  type AdminDesk,
} from '../tools/admin-access.ts'
import { configOption } from './config-option.ts'
import { jsonLinesOption, jsonOption, writeJson, writeJsonLine, type JsonOptions } from './json.ts'
import { readPassword } from './read-password.ts'

interface Options extends JsonOptions {
  readonly config: string
}

export function adminCommand(): Command {
  return new Command('admin')
    .description('who may log in to the administration')
    .addCommand(userCommand())
    .addCommand(tokenCommand())
    .addCommand(
      new Command('setup-link')
        .description('a link that makes an administrator, once, within a day')
        .addOption(jsonOption())
        .addOption(configOption())
        .action(setupLink),
    )
}

function userCommand(): Command {
  const command = new Command('user').description('people')
  command
    .command('add <name>')
    .description('add somebody; the password is asked for, or the first line of the input')
    .addOption(new Option('--role <role>', 'what they may').choices(adminRoles).default('admin'))
    .option('--domain <domains...>', 'of a domain-admin')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(addUser)
  command
    .command('list', { isDefault: true })
    .description('who there is')
    .addOption(jsonLinesOption())
    .addOption(configOption())
    .action(listUsers)
  command
    .command('remove <name>')
    .description('remove somebody, with their sessions and tokens')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(removeUser)
  command
    .command('password <name>')
    .description('another password; all sessions of theirs end')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(changePassword)
  return command
}

function tokenCommand(): Command {
  const command = new Command('token').description('API tokens')
  command
    .command('add <name>')
    .description('make one; it is shown this once')
    .requiredOption('--owner <user>', 'whose it is; it may at most what they may')
    .addOption(
      new Option('--scope <scopes...>', 'what it may')
        .choices(adminPermissions)
        .makeOptionMandatory(),
    )
    .option('--expires <date>', 'such as 2027-12-31')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(addToken)
  command
    .command('list', { isDefault: true })
    .description('which there are')
    .addOption(jsonLinesOption())
    .addOption(configOption())
    .action(listTokens)
  command
    .command('remove <id>')
    .description('take one away')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(removeToken)
  return command
}

interface AddUserOptions extends Options {
  readonly role: (typeof adminRoles)[number]
  readonly domain?: readonly string[]
}

async function addUser(name: string, options: AddUserOptions): Promise<void> {
  const { config, role, domain = [], json } = options
  const password = await readPassword(name)
  if (password.length < shortestPassword) throw new Error(tooShort)
  await withAdminDesk(config, async ({ access, signal, record }) => {
    await access.addUser({ name, role, password, domains: domain }, signal)
    record('access.add-user', name)
  })
  if (json === true) writeJson({ name, role, domains: domain })
  else process.stdout.write(`${legible(name)} is ${role}\n`)
}

const shortestPassword = 10
const tooShort = `a password has ${shortestPassword} characters at least`

async function changePassword(name: string, { config, json }: Options): Promise<void> {
  const password = await readPassword(name)
  if (password.length < shortestPassword) throw new Error(tooShort)
  await withAdminDesk(config, async ({ access, signal, record }) => {
    if ((await access.changeUser(name, { password }, signal)) === undefined) return missing(name)
    record('access.change-user', name)
    if (json === true) writeJson({ name, changed: 'password' })
  })
}

async function listUsers({ config, json }: Options): Promise<void> {
  await withAdminDesk(config, async ({ access }) => {
    for (const user of await access.users()) {
      const { name, role, domains, lastLoginAt } = user
      const seen =
        lastLoginAt === undefined ? 'never logged in' : `last login ${dateOf(lastLoginAt)}`
      const words = [legible(name).padEnd(24), role.padEnd(12), seen, domains.join(' ')]
      if (json === true) writeJsonLine(user)
      else process.stdout.write(`${words.join('  ').trimEnd()}\n`)
    }
  })
}

async function removeUser(name: string, { config, json }: Options): Promise<void> {
  await withAdminDesk(config, async ({ access, record }) => {
    if (!(await access.removeUser(name))) return missing(name)
    record('access.remove-user', name)
    if (json === true) writeJson({ removed: name })
  })
}

interface AddTokenOptions extends Options {
  readonly owner: string
  readonly scope: readonly (typeof adminPermissions)[number][]
  readonly expires?: string
}

async function addToken(
  name: string,
  { config, owner, scope, expires, json }: AddTokenOptions,
): Promise<void> {
  const expiresAt = expires === undefined ? undefined : Date.parse(expires)
  if (Number.isNaN(expiresAt)) throw new Error(`${expires} is no date; write 2027-12-31`)
  await withAdminDesk(config, async ({ access, caller, record }) => {
    const known = (await access.users()).some((user) => user.name === owner)
    if (!known) return missing(owner)
    const until = expiresAt === undefined ? {} : { expiresAt }
    const made = await access.addToken(
      { name, scopes: scope, ...until },
      { ...caller, name: owner },
    )
    record('access.add-token', name)
    if (json === true) writeJson({ name, owner, scopes: scope, token: made.token })
    else process.stdout.write(`${made.token}\n`)
  })
}

async function listTokens({ config, json }: Options): Promise<void> {
  await withAdminDesk(config, async ({ access, caller }: AdminDesk) => {
    for (const token of await access.tokens(caller)) {
      const { id, name, owner, scopes, lastUsedAt } = token
      const used = lastUsedAt === undefined ? 'never used' : `used ${dateOf(lastUsedAt)}`
      const words = [id, legible(name).padEnd(20), legible(owner), used, scopes.join(' ')]
      if (json === true) writeJsonLine(token)
      else process.stdout.write(`${words.join('  ')}\n`)
    }
  })
}

async function removeToken(id: string, { config, json }: Options): Promise<void> {
  await withAdminDesk(config, async ({ access, caller, record }) => {
    if (!(await access.removeToken(id, caller))) return missing(id)
    record('access.remove-token', id)
    if (json === true) writeJson({ removed: id })
  })
}

async function setupLink({ config, json }: Options): Promise<void> {
  await withAdminDesk(config, async ({ access, url, record }) => {
    const link = `${url}/setup#${access.makeSetup()}`
    record('access.setup-link', '')
    if (json === true) writeJson({ link })
    else process.stdout.write(`${link}\n`)
  })
}

function missing(name: string): void {
  process.stderr.write(`there is no ${legible(name)}\n`)
  process.exitCode = 1
}

function dateOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10)
}
