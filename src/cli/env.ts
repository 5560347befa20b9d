import { Command } from 'commander'
import { formatMistake } from '../config/format-mistake.ts'
import { isAddressLiteral } from '../mail/domain.ts'
import { legible } from '../formats/plain-line.ts'
import {
  clientListing,
  environmentTable,
  type ClientListing,
  type ListedVariable,
  type VariableReader,
} from '../tools/environment-table.ts'
import { configOption } from './config-option.ts'

interface Options {
  readonly config: string
  readonly host?: string
  readonly info?: string
  readonly json?: true
}

/** `postern env`: the variables of tcp.smtp; `postern env 192.0.2.7`: what this client would get, and from which rule. */
export function envCommand(): Command {
  return new Command('env')
    .description('show what tcp.smtp variables do, or what a client would get')
    .argument('[address]', 'the address of a client')
    .option('--host <name>', 'its name by DNS (TCPREMOTEHOST)')
    .option('--info <user>', 'what ident says (TCPREMOTEINFO)')
    .option('--json', 'as JSON')
    .addOption(configOption())
    .action(env)
}

async function env(address: string | undefined, options: Options): Promise<void> {
  if (address === undefined) return showTable(options)
  const { host, info } = options
  const ip = address.replace(/^\[(.*)\]$/, '$1')
  if (!isAddress(ip)) {
    process.stderr.write(`postern: ${legible(address)} is not an IP address\n`)
    process.exitCode = 2
    return
  }
  const client = {
    ip,
    ...(host === undefined ? {} : { host }),
    ...(info === undefined ? {} : { info }),
  }
  const listing = await clientListing(options.config, client)
  complain(listing)
  const { rule, action, variables } = listing
  process.stdout.write(
    options.json === true ? json({ rule, action, variables }) : formatClient(listing),
  )
}

async function showTable(options: Options): Promise<void> {
  const table = await environmentTable(options.config)
  complain(table)
  const { variables } = table
  process.stdout.write(options.json === true ? json(variables) : variables.map(row).join(''))
}

function isAddress(text: string): boolean {
  return isAddressLiteral(`[${text}]`) || isAddressLiteral(`[IPv6:${text}]`)
}

function complain({ mistakes }: Pick<ClientListing, 'mistakes'>): void {
  for (const mistake of mistakes) process.stderr.write(`${formatMistake(mistake)}\n`)
  if (mistakes.length > 0) process.exitCode = 1
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

function row({ name, readers, unread }: ListedVariable): string {
  const lines = readers.map((reader) => `${name.padEnd(24)} ${readerText(reader)}\n`)
  return lines.length > 0 ? lines.join('') : `${name.padEnd(24)} not read: ${unread ?? ''}\n`
}

function readerText({ by, option, default: usual, description, entries }: VariableReader): string {
  const where = option === undefined ? by : `${by}.${option}`
  const value = usual === undefined || usual === null ? '' : ` = ${JSON.stringify(usual)}`
  const absent = entries?.length === 0 ? ' (not in the chain)' : ''
  return `${`${where}${value}`.padEnd(40)} ${description}${absent}`.trimEnd()
}

function formatClient({ rule, action, variables }: ClientListing): string {
  if (rule === undefined) return 'no rule\nallow connection\n'
  const place = rule.line === undefined ? rule.file : `${rule.file}:${rule.line}`
  const address = rule.address === '' ? 'everybody' : legible(rule.address)
  const lines = variables.flatMap(({ name, value, readers, unread }) => [
    `${legible(name)}=${legible(value)}`,
    ...(readers.length > 0 ? readers.map(readerText) : [`not read: ${unread ?? ''}`]).map(
      (text) => `    ${text}`,
    ),
  ])
  return [`rule ${address} (${place})`, `${action} connection`, ...lines, ''].join('\n')
}
