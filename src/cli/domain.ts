import { Command } from 'commander'
import { formatMailDomain, settingsRemedy } from '../formats/mail-domain-lines.ts'
import { printable } from '../mail/reply.ts'
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

interface Options {
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
    .action(add)
  sub('set', 'change its settings; nothing behind the equals sign sets one back')
    .argument('<domain>')
    .argument('<setting...>', settingsRemedy)
    .action(set)
  sub('list', 'all domains').option('--json', 'one JSON object a line').action(list)
  sub('remove', 'with their users and aliases; their mail stays where it lies')
    .argument('<domain...>')
    .action(remove)
  sub('alias', 'another name of a domain: addresses and logins there are those of the domain')
    .argument('<alias>', 'the other name')
    .argument('<domain>', 'the domain that it means')
    .action(alias)
  sub('unalias', 'other names that mean nothing any more').argument('<alias...>').action(unalias)
  sub('aliases', 'all other names and what they mean, or those of a domain')
    .argument('[domain]')
    .option('--json', 'one JSON object a line')
    .action(aliases)
  sub(
    'export',
    'domains, their other names and aliases as text; the users: postern user export',
  ).action(exportAll)
  sub('import', 'take in such a text from the input, in place of equal names').action(importAll)
  return command
}

async function add(name: string, words: readonly string[], { config }: Options): Promise<void> {
  await withAccounts(config, (accounts) => addDomain(accounts, name, words))
}

async function set(name: string, words: readonly string[], { config }: Options): Promise<void> {
  await withAccounts(config, (accounts) => setDomain(accounts, name, words))
}

async function list({ config, json }: Options & { readonly json?: true }): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for await (const domain of allDomains(accounts)) {
      const line = formatMailDomain(domain).slice('domain '.length)
      process.stdout.write(`${json === true ? JSON.stringify(domain) : line}\n`)
    }
  })
}

async function remove(names: readonly string[], { config }: Options): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for (const name of names) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, each told
      if (await accounts.removeDomain(name)) continue
      process.stderr.write(`there is no domain ${printable(name)}\n`)
      process.exitCode = 1
    }
  })
}

async function alias(name: string, domain: string, { config }: Options): Promise<void> {
  await withAccounts(config, (accounts) => aliasDomain(accounts, name, domain))
}

async function unalias(names: readonly string[], { config }: Options): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for (const name of names) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, each told
      if (await unaliasDomain(accounts, name)) continue
      process.stderr.write(`${printable(name)} is no other name of a domain\n`)
      process.exitCode = 1
    }
  })
}

async function aliases(
  domain: string | undefined,
  { config, json }: Options & { readonly json?: true },
): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for await (const found of allDomainAliases(accounts, domain)) {
      const line = json === true ? JSON.stringify(found) : `${found.name} ${found.domain}`
      process.stdout.write(`${line}\n`)
    }
  })
}

async function exportAll({ config }: Options): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for await (const line of domainLines(accounts)) process.stdout.write(`${line}\n`)
  })
}

async function importAll({ config }: Options): Promise<void> {
  const text = Buffer.concat(await Array.fromAsync<Uint8Array>(process.stdin)).toString()
  const done = await withAccounts(config, (accounts) => importDomains(accounts, text))
  for (const mistake of done.mistakes) process.stderr.write(`warning: ${printable(mistake)}\n`)
  const taken = [
    countOf(done.domains, 'domain'),
    ...(done.domainAliases === 0 ? [] : [countOf(done.domainAliases, 'other name')]),
  ]
  const aliasCount = countOf(done.aliases, 'alias', 'aliases')
  process.stdout.write(`${taken.join(', ')} and ${aliasCount} taken in\n`)
}
