/** `postern` itself, made of the verbs: of all of them, of one, or of their names alone. */
import { Command } from 'commander'
import { didYouMean } from '../tools/did-you-mean.ts'
import { becomeAccount } from './become-account.ts'
import { headingOf, lastHeading } from './headings.ts'
import { helpCommand, topicsLine } from './help.ts'
import { verbs } from './verbs.ts'

/** `postern` without a verb. */
function bareProgram(): Command {
  return new Command('postern')
    .description('A programmable mail gateway')
    .option('--manual', 'print the manual page, postern(1)')
    .option('--version', 'print the version')
    .showSuggestionAfterError()
    .helpCommand(false)
    .exitOverride()
}

/** With all verbs and their options, for completion and the manual. */
export async function wholeProgram(): Promise<Command> {
  const program = bareProgram()
  for (const [name, verb] of verbs) {
    // oxlint-disable-next-line no-await-in-loop -- in their order; most files are shared by several
    program.addCommand(placed(name, await verb.load(wholeProgram)))
  }
  return withHelp(program)
}

/** With its verbs by name only: enough for a list, and for a guess at what was meant. */
export function listOfVerbs(): Command {
  const program = bareProgram()
  for (const [name, { about }] of verbs) {
    program.addCommand(placed(name, new Command(name).description(about)))
  }
  return withHelp(program)
}

/** With one of its verbs; undefined where there is none by this name. */
export async function programWith(name: string): Promise<Command | undefined> {
  const verb = verbs.get(name)
  if (verb === undefined) return undefined
  const program = bareProgram().addCommand(placed(name, await verb.load(wholeProgram)))
  if (verb.inFoldersOfGateway === true) program.hook('preAction', becomeAccount)
  return withHelp(program)
}

/** `postern help`, as the last of them. */
function withHelp(program: Command): Command {
  const load = async (name: string): Promise<Command | undefined> =>
    (await programWith(name))?.commands[0]
  const help = helpCommand({ names: verbs.keys(), load })
  return program
    .addCommand(help.helpGroup(lastHeading))
    .addHelpText('after', `\npostern help NAME is about a command or a topic; ${topicsLine}`)
}

/** Where it stands in the help; wrong usage of it, or of any below it, is told by the same exit code. */
function placed(name: string, command: Command): Command {
  command.helpGroup(verbs.get(name)?.heading ?? headingOf(name))
  for (const each of withThoseBelow(command)) {
    each.exitOverride()
    each.configureOutput({ outputError: (text, write) => write(withMeant(text, each)) })
  }
  return command
}

/** Where a command below has a default, `postern queue lst` is one word too many for `list`: that is not what is wrong. */
function withMeant(text: string, { parent }: Command): string {
  const [, extra] = /^error: too many arguments .* but got \d+: ([^\s,]+?)[,.]/.exec(text) ?? []
  if (extra === undefined || parent === null) return text
  const names = parent.commands.map((each) => each.name())
  const meant = didYouMean(extra, names)
  return meant === undefined ? text : `${text.trimEnd()}\n(${meant})\n`
}

function withThoseBelow(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withThoseBelow)]
}
