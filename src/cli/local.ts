import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { readDescriptor, writeDescriptor } from '../runtime/node/descriptor.ts'
import { hostProcess } from '../runtime/node/process.ts'
import { deliverAsCalled } from '../tools/local.ts'

interface Options {
  readonly n?: true
  /** The gateway sends on what is forwarded, and is told so. */
  readonly forwardOn?: string
  /** As `LocalDelivery.mostProcesses`. */
  readonly mostProcesses?: string
}

const usage = 'user homedir local dash ext domain sender aliasempty'

/** `postern local`: qmail-local. The message is on standard input, the answer is an exit code and a report. */
export function localCommand(): Command {
  return new Command('local')
    .description('deliver one message to one local address, as qmail-local')
    .option('-n', 'say what would be done, and do nothing')
    .option('-N', 'deliver, which is the default')
    .addOption(new Option('--forward-on <descriptor>').hideHelp())
    .addOption(new Option('--most-processes <number>').hideHelp())
    .argument('<user>')
    .argument('<homedir>', 'of the user; .qmail files are there')
    .argument('<local>', 'the local-part')
    .argument('<dash>', 'empty, or what stands between .qmail and the extension')
    .argument('<ext>', 'the extension')
    .argument('<domain>')
    .argument('<sender>', 'the reverse-path')
    .argument('<aliasempty>', 'what is done for an empty .qmail')
    .usage(`[-nN] ${usage}`)
    .action(local)
}

async function local(...parameters: readonly unknown[]): Promise<void> {
  const [user, home, localPart, dash, extension, host, sender, defaultDelivery] =
    parameters.map(String)
  const { n: dryRun = false, forwardOn, mostProcesses } = parameters[8] as Options
  // As qmail-local: what a program of the user's makes is the user's alone, unless it says otherwise.
  process.umask(0o077)
  const stopped = new AbortController()
  // Whoever ends us cannot reach what we started: programs have process groups of their own.
  hostProcess.onSignal('SIGTERM', () => stopped.abort())
  process.exitCode = await deliverAsCalled(
    {
      address: {
        user: user ?? '',
        home: home ?? '',
        local: localPart ?? '',
        dash: dash ?? '',
        extension: extension ?? '',
        host: host ?? '',
        sender: sender ?? '',
      },
      defaultDelivery: defaultDelivery ?? '',
      message: dryRun ? new Uint8Array() : Buffer.concat(await Array.fromAsync(readDescriptor(0))),
      environment: new Map(Object.entries(process.env).map(([name, value]) => [name, value ?? ''])),
      queueProgram: [postern, 'qmail-queue'],
      hostname: hostname(),
      pid: process.pid,
      dryRun,
      ...(mostProcesses === undefined ? {} : { mostProcesses: Number(mostProcesses) }),
      ...(forwardOn === undefined
        ? {}
        : { tellForward: (envelope) => writeDescriptor(Number(forwardOn), envelope) }),
    },
    { out: (bytes) => process.stdout.write(bytes), err: (bytes) => process.stderr.write(bytes) },
    stopped.signal,
  )
}

const postern = fileURLToPath(new URL('../../bin/postern', import.meta.url))
