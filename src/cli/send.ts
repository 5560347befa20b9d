import { hostname } from 'node:os'
import { Command } from 'commander'
import { formatMailbox, parseMailbox, type Mailbox } from '../mail/address.ts'
import { printable } from '../mail/reply.ts'
import { dnsFor } from '../tools/configured-dns.ts'
import { readOffline } from '../tools/read-offline.ts'
import { sendMessage } from '../tools/send-message.ts'
import { configOption } from './config-option.ts'
import { jsonOption, writeJson } from './json.ts'

interface Options {
  readonly config: string
  readonly to: readonly string[]
  readonly from: string
  readonly server?: string
  readonly subject: string
  readonly body: string
  readonly verbose?: true
  readonly json?: true
}

/** `postern send`: a test message by SMTP, to the first listener of the configuration or to any server. */
export function sendCommand(): Command {
  return new Command('send')
    .description('send a test message')
    .requiredOption('-t, --to <address...>', 'recipients')
    .option('-f, --from <address>', 'the reverse-path; <> for none', 'test@client.test')
    .option(
      '-s, --server <host:port>',
      'where to; the first listener of the configuration by default',
    )
    .option('--subject <text>', 'the subject', 'A test message')
    .option('--body <text>', 'the text', 'This message was sent by postern send.')
    .option('-v, --verbose', 'show the dialogue')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(send)
}

async function send(options: Options): Promise<void> {
  const { host, port } = serverOf(options)
  const recipients = options.to.map(mailbox)
  const named = (index: number): string => {
    const recipient = recipients[index]
    return recipient === undefined ? '' : formatMailbox(recipient)
  }
  const dialogue: { readonly direction: string; readonly line: string }[] = []
  const watch = (direction: 'sent' | 'received', line: string): void => {
    if (options.json === true) dialogue.push({ direction, line })
    else show(direction, line)
  }
  const results = await sendMessage({
    host,
    port,
    reversePath: options.from === '<>' ? null : mailbox(options.from),
    recipients,
    subject: options.subject,
    text: options.body,
    helloName: hostname(),
    dns: dnsFor(options.config),
    ...(options.verbose === true ? { watch } : {}),
  })
  if (results.some(({ outcome }) => outcome !== 'delivered')) process.exitCode = 1
  if (options.json === true) {
    const told = results.map(({ outcome, text }, at) => ({ recipient: named(at), outcome, text }))
    return writeJson({
      server: { host, port },
      recipients: told,
      ...(options.verbose === true ? { dialogue } : {}),
    })
  }
  for (const [index, result] of results.entries()) {
    const line = `${named(index)}: ${result.outcome}: ${printable(result.text)}\n`
    if (result.outcome === 'delivered') process.stdout.write(line)
    else process.stderr.write(line)
  }
}

function show(direction: 'sent' | 'received', line: string): void {
  process.stdout.write(`${direction === 'sent' ? '→' : '←'} ${printable(line)}\n`)
}

function serverOf({ server, config }: Options): { readonly host: string; readonly port: number } {
  if (server !== undefined) {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(server) ?? []
    const host = bracketed ?? plain
    if (host === undefined) throw new Error(`${server} is not host:port`)
    return { host, port: Number(port) }
  }
  const listener = readOffline(config).listeners.find(({ address }) => 'port' in address)?.address
  if (listener === undefined || !('port' in listener))
    throw new Error('no listener with a port is configured; say --server host:port')
  return listener
}

function mailbox(text: string): Mailbox {
  const parsed = parseMailbox(text)
  if (parsed === undefined) throw new Error(`${text} is not a mail address`)
  return parsed
}
