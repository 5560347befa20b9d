import { Command } from 'commander'
import { formatMailAlias } from '../formats/mail-domain-lines.ts'
import { addAlias, allAliases, removeAlias } from '../tools/mail-domains.ts'
import { withAccounts } from '../tools/user-accounts.ts'
import { configOption } from './config-option.ts'
import { jsonLinesOption, jsonOption, writeJson, writeJsonLine, type JsonOptions } from './json.ts'

interface Options extends JsonOptions {
  readonly config: string
}

/** `postern alias …`: addresses in our domains whose mail goes to others. A running gateway sees each change at once. */
export function aliasCommand(): Command {
  const command = new Command('alias').description('addresses whose mail goes to others')
  const sub = (name: string, what: string): Command => {
    const made = new Command(name).description(what).addOption(configOption())
    command.addCommand(made)
    return made
  }
  sub('add', 'its mail goes to these too; its own address among them keeps a copy in its mailbox')
    .argument('<address>')
    .argument('<target...>')
    .addOption(jsonOption())
    .action(add)
  sub('remove', 'these of its targets, or all of it')
    .argument('<address>')
    .argument('[target...]')
    .addOption(jsonOption())
    .action(remove)
  sub('list', 'all aliases, or those of a domain')
    .argument('[domain]')
    .addOption(jsonLinesOption())
    .action(list)
  return command
}

async function add(
  address: string,
  targets: readonly string[],
  { config, json }: Options,
): Promise<void> {
  const alias = await withAccounts(config, (accounts) => addAlias(accounts, address, targets))
  if (json === true) writeJson(alias)
}

async function remove(
  address: string,
  targets: readonly string[],
  { config, json }: Options,
): Promise<void> {
  const done = await withAccounts(config, (accounts) => removeAlias(accounts, address, targets))
  if (!done) throw new Error('there is no such alias')
  if (json === true) writeJson({ address, removed: targets.length === 0 ? 'all' : targets })
}

async function list(domain: string | undefined, { config, json }: Options): Promise<void> {
  await withAccounts(config, async (accounts) => {
    for await (const alias of allAliases(accounts, domain)) {
      if (json === true) writeJsonLine(alias)
      else process.stdout.write(`${formatMailAlias(alias).slice('alias '.length)}\n`)
    }
  })
}
