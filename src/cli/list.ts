/** `postern list add | remove | list | test`: the allow and block lists; a running gateway sees a change at once. */
import { Command } from 'commander'
import { formatListRule, readRule, type ListRule } from '../formats/list-rules.ts'
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import { legible } from '../formats/plain-line.ts'
import { becomeOwnerOf } from '../tools/privileges/as-account.ts'
import { askLists, editLists, listFile, readLists } from '../tools/sender-lists.ts'
import { configOption } from './config-option.ts'
import { jsonLinesOption, jsonOption, writeJson, writeJsonLine, type JsonOptions } from './json.ts'

const ruleArgument =
  'allow or block; client, name, sender or from; what; and, if you like: for whom'

export function listCommand(): Command {
  return new Command('list')
    .description('allow and block clients and senders')
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addCommand(showCommand())
    .addCommand(testCommand())
}

interface EditOptions extends JsonOptions {
  readonly config: string
  readonly note?: string
}

function addCommand(): Command {
  return new Command('add')
    .description('add a rule, such as: block sender @spam.example for bob@example.org')
    .argument('<rule...>', ruleArgument)
    .option('--note <text>', 'a comment beside it')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async (words: string[], { config, note, json }: EditOptions, command: Command) => {
      const rule = ruleOf(words, command)
      const about = note === undefined ? {} : { note }
      becomeOwnerOf(listFile(config))
      const done = await editLists(config, { rule, remove: false, ...about })
      if (json === true) return writeJson({ rule, changed: done })
      process.stdout.write(`${formatListRule(rule)}: ${done ? 'added' : 'was there already'}\n`)
    })
}

function removeCommand(): Command {
  return new Command('remove')
    .description('take a rule away')
    .argument('<rule...>', ruleArgument)
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async (words: string[], { config, json }: EditOptions, command: Command) => {
      const rule = ruleOf(words, command)
      becomeOwnerOf(listFile(config))
      const done = await editLists(config, { rule, remove: true })
      if (!done) process.exitCode = 1
      if (json === true) return writeJson({ rule, changed: done })
      process.stdout.write(`${formatListRule(rule)}: ${done ? 'removed' : 'was not there'}\n`)
    })
}

interface ShowOptions extends JsonOptions {
  readonly config: string
  readonly for?: string
}

function showCommand(): Command {
  return new Command('list')
    .description('show the rules')
    .option('--for <whom>', 'only those for this recipient or domain')
    .addOption(jsonLinesOption())
    .addOption(configOption())
    .action(async ({ config, for: whom, json }: ShowOptions) => {
      for (const rule of await readLists(config)) {
        if (whom !== undefined && rule.target !== whom.toLowerCase()) continue
        if (json === true) writeJsonLine(rule)
        else process.stdout.write(`${formatListRule(rule)}\n`)
      }
    })
}

interface TestOptions extends JsonOptions {
  readonly config: string
  readonly client?: string
  readonly name?: string
  readonly sender?: string
  readonly from?: string
  readonly to?: string
  readonly proven?: boolean
}

function testCommand(): Command {
  return new Command('test')
    .description('what the rules say of a message; exit code 1 where it is blocked')
    .option('--client <address>', "the client's address")
    .option('--name <host>', "the client's name by DNS")
    .option('--sender <address>', 'the reverse-path; <> for the null path')
    .option('--from <address>', 'the header From')
    .option('--to <address>', 'the recipient; left out: what holds for everybody')
    .option('--proven', 'take it that SPF or DKIM vouches for the sender')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async (options: TestOptions, command: Command) => {
      const { config, client, name, sender, from, to, proven = false, json } = options
      const mail = {
        address: client ?? '',
        name,
        ...(sender === undefined
          ? {}
          : { sender: sender === '<>' ? null : mailboxOf(sender, command) }),
        ...(from === undefined ? {} : { from: [mailboxOf(from, command)] }),
        isProven: () => proven,
      }
      const ruling = await askLists(
        config,
        mail,
        to === undefined ? undefined : mailboxOf(to, command),
      )
      if (ruling?.says === 'block') process.exitCode = 1
      if (json === true) return writeJson({ says: 'nothing', ...ruling })
      if (ruling === undefined) {
        process.stdout.write('no rule says anything\n')
        return
      }
      const { says, rule } = ruling
      const verdict = says === 'unproven' ? 'allow, if SPF or DKIM vouches for it' : says
      process.stdout.write(`${verdict}: line ${rule.line}: ${formatListRule(rule)}\n`)
    })
}

function ruleOf(words: readonly string[], command: Command): ListRule {
  const rule = readRule(words)
  if (typeof rule !== 'string') return rule
  return command.error(`error: ${legible(words.join(' '))}: ${rule}`, { exitCode: 2 })
}

function mailboxOf(text: string, command: Command): Mailbox {
  const mailbox = parseMailbox(text, { smtputf8: true, barePostmaster: true })
  return mailbox ?? command.error(`error: ${legible(text)} is no address`, { exitCode: 2 })
}
