/** postern(1), made of the commands themselves: what they say of themselves with --help, as a page for man. */
import { fileURLToPath } from 'node:url'
import type { Argument, Command, Option } from 'commander'
import { systemDisk } from '../runtime/node/disk.ts'

/** As package.json has it, in a checkout and in a package. */
export function ownVersion(): string {
  const path = fileURLToPath(new URL('../../package.json', import.meta.url))
  const [, version = ''] =
    /"version": "([^"]*)"/.exec(Buffer.from(systemDisk.readFileNow(path)).toString()) ?? []
  return version
}

/** The page in the macros of man(7). */
export function manualPage(program: Command, version: string): string {
  const commands = program.commands.filter((command) => command.name() !== 'help')
  const lines = [
    `.TH POSTERN 1 "" ${quoted(`Postern ${version}`)} "User Commands"`,
    '.SH NAME',
    `postern \\- ${text(lowered(program.description()))}`,
    '.SH SYNOPSIS',
    '.B postern',
    '.RI [ options ]',
    '.I command',
    '.RI [ arguments ]',
    '.SH DESCRIPTION',
    text(
      'An SMTP receiver that asks a chain of plugins, a durable queue, and a courier that delivers. ' +
        'Its configuration is a folder with postern.yaml, the control files of qmail and tcp.smtp.',
    ),
    '.SH OPTIONS',
    ...program.options.flatMap((option) => tagged(option.flags, said(option))),
    '.SH COMMANDS',
    ...commands.flatMap((command) => section(command, `postern ${command.name()}`)),
    '.SH EXIT STATUS',
    ...tagged('0', 'Done.'),
    ...tagged('1', 'The answer is no, or something is wrong.'),
    ...tagged('2', 'Wrong usage.'),
    ...tagged('3', 'stat: no gateway runs.'),
    ...tagged('4', 'You may not ask the running gateway, or use its files.'),
    ...tagged('7', 'What is asked needs a running gateway.'),
    text('Those that stand in the place of a program of qmail end as it does.'),
    '.SH ENVIRONMENT',
    ...tagged('POSTERN_CONFIG', 'The configuration folder, where --config does not name it.'),
    '.SH FILES',
    ...tagged('/etc/postern', 'The configuration of the package.'),
    ...tagged('/var/lib/postern', 'Spool, store, accounts and certificates of the package.'),
    '.SH SEE ALSO',
    '.BR tcprules (1),',
    '.BR qmail\\-control (5),',
    '.BR systemd.socket (5)',
  ]
  return `${lines.join('\n')}\n`
}

/** A command with its arguments, its options, and the commands below it. */
function section(command: Command, name: string): readonly string[] {
  const below = command.commands.filter((each) => each.name() !== 'help')
  const args = command.registeredArguments
  const visible = command.options.filter((option) => !option.hidden)
  return [
    `.SS ${quoted(`${name} ${howCalled(command)}`.trim())}`,
    text(sentence(command.description())),
    ...args.flatMap((argument) => tagged(argumentName(argument), said(argument))),
    ...visible.flatMap((option) => tagged(option.flags, said(option))),
    ...below.flatMap((each) => section(each, `${name} ${each.name()}`)),
  ]
}

/** What follows its name. Those that take their arguments as a program of qmail does say so themselves. */
function howCalled(command: Command): string {
  const usage = command.usage()
  const isOurs = usage === '' || usage.startsWith('[options]')
  return isOurs ? command.registeredArguments.map(argumentName).join(' ') : usage
}

function argumentName(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function said({ description, ...of }: Argument | Option): string {
  const usual = of.defaultValueDescription ?? shown(of.defaultValue)
  return sentence([description, ...(usual === '' ? [] : [`(default: ${usual})`])].join(' '))
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function tagged(tag: string, meaning: string): readonly string[] {
  return ['.TP', `.B ${text(tag)}`, text(meaning === '' ? '.' : meaning)]
}

function lowered(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1)
}

function sentence(words: string): string {
  const trimmed = words.trim()
  const ended = trimmed === '' || /[.:?!)]$/.test(trimmed) ? trimmed : `${trimmed}.`
  return ended.charAt(0).toUpperCase() + ended.slice(1)
}

/** Nothing in it is a request or an escape of roff's; what is not ASCII has a name there. */
function text(words: string): string {
  const escaped = words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll(
      /[^\x20-\x7e]/g,
      (char) => `\\[u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replaceAll(/\s+/g, ' ')
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}

function quoted(words: string): string {
  return `"${text(words).replaceAll('"', '\\(dq')}"`
}
