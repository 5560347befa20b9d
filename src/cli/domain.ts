import { Command } from 'commander'
import { formatMailDomain, settingsRemedy } from '../formats/mail-domain-lines.ts'
import { legible } from '../formats/plain-line.ts'
import {
  addDomain,
  aliasDomain,
  allDomainAliases,
  allDomains,
  domainLines,
  importDomains,
  setDomain,
  unaliasDomain,
} from '../tools/mail-domains.ts'
import { withAccounts } from '../tools/user-accounts.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { jsonLinesOption, jsonOption, writeJson, writeJsonLine, type JsonOptions } from './json.ts'
import { withProgress } from './progress.ts'

interface Options extends JsonOptions {
  readonly config: string
}

/** `postern domain …`: domains whose users have mailboxes here. A running gateway sees each change at once. */
export function domainCommand(): Command {
  const command = new Command('domain').description('domains whose users have mailboxes here')
  const sub = (name: string, what: string): Command => {
    const made = new Command(name).description(what).addOption(configOption())
    command.addCommand(made)
    return made
  }
  sub('add', 'take a domain in')
    .argument('<domain>')
    .argument('[setting...]', settingsRemedy)
    .addOption(jsonOption())
    .action(add)
  sub('set', 'change its settings; nothing behind the equals sign sets one back')
    .argument('<domain>')
    .argument('<setting...>', settingsRemedy)
    .addOption(jsonOption())
    .action(set)
  sub('list', 'all domains').addOption(jsonLinesOption()).action(list)
  sub('remove', 'with their users and aliases; their mail stays where it lies')
    .argument('<domain...>')
    .addOption(jsonOption())
    .action(remove)
  sub('alias', 'another name of a domain: addresses and logins there are those of the domain')
    .argument('<alias>', 'the other name')
    .argument('<domain>', 'the domain that it means')
    .addOption(jsonOption())
    .action(alias)
  sub('unalias', 'other names that mean nothing any more')
    .argument('<alias...>')
    .addOption(jsonOption())
    .action(unalias)
  sub('aliases', 'all other names and what they mean, or those of a domain')
    .argument('[domain]')
    .addOption(jsonLinesOption())
    .action(aliases)
  sub(
    'export',
    'domains, their other names and aliases as text; the users: postern user export',
  ).action(exportAll)
  sub('import', 'take in such a text from the input, in place of equal names')
    .addOption(jsonOption())
    .action(importAll)
  return command
}

async function add(
  name: string,
  words: readonly string[],
  { config, json }: Options,
): Promise<void> {
  const domain = await withAccounts(config, (accounts) => addDomain(accounts, name, words))
  if (json === true) writeJson(domain)
}

async function set(
  name: string,
  words: readonly string[],
  { config, json }: Options,
): Promise<void> {
  const domain = await withAccounts(config, (accounts) => setDomain(accounts, name, words))
  if (json === true) writeJson(domain)
}

async function list({ config, json }: Options): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for await (const domain of allDomains(accounts)) {
      if (json === true) writeJsonLine(domain)
      else process.stdout.write(`${formatMailDomain(domain).slice('domain '.length)}\n`)
    }
  })
}

async function remove(names: readonly string[], { config, json }: Options): Promise<void> {
  const removed: string[] = []
  await withAccounts(config, async (accounts) => {
    for (const name of names) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, each told
      if (await accounts.removeDomain(name)) {
        removed.push(name)
        continue
      }
      process.stderr.write(`there is no domain ${legible(name)}\n`)
      process.exitCode = 1
    }
  })
  if (json === true) writeJson({ removed })
}

async function alias(name: string, domain: string, { config, json }: Options): Promise<void> {
  const made = await withAccounts(config, (accounts) => aliasDomain(accounts, name, domain))
  if (json === true) writeJson(made)
}

async function unalias(names: readonly string[], { config, json }: Options): Promise<void> {
  const removed: string[] = []
  await withAccounts(config, async (accounts) => {
    for (const name of names) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, each told
      if (await unaliasDomain(accounts, name)) {
        removed.push(name)
        continue
      }
      process.stderr.write(`${legible(name)} is no other name of a domain\n`)
      process.exitCode = 1
    }
  })
  if (json === true) writeJson({ removed })
}

async function aliases(domain: string | undefined, { config, json }: Options): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for await (const found of allDomainAliases(accounts, domain)) {
      if (json === true) writeJsonLine(found)
      else process.stdout.write(`${found.name} ${found.domain}\n`)
    }
  })
}

async function exportAll({ config }: Options): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for await (const line of domainLines(accounts)) process.stdout.write(`${line}\n`)
  })
}

async function importAll({ config, json }: Options): Promise<void> {
  const text = Buffer.concat(await Array.fromAsync<Uint8Array>(process.stdin)).toString()
  const done = await withProgress('taking in', (told) =>
    withAccounts(config, (accounts) => importDomains(accounts, text, told)),
  )
  if (json === true) return writeJson(done)
  for (const mistake of done.mistakes) process.stderr.write(`warning: ${legible(mistake)}\n`)
  const taken = [
    countOf(done.domains, 'domain'),
    ...(done.domainAliases === 0 ? [] : [countOf(done.domainAliases, 'other name')]),
  ]
  const aliasCount = countOf(done.aliases, 'alias', 'aliases')
  process.stdout.write(`${taken.join(', ')} and ${aliasCount} taken in\n`)
}
