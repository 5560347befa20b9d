import { Command } from 'commander'
import { parseListenAddress } from '../config/listen-address.ts'
import { parseDialogueFile } from '../formats/dialogue-file.ts'
import { printable } from '../mail/reply.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { replayDialogue } from '../tools/replay-dialogue.ts'

const timeoutMs = 60_000

/** `postern replay-dialogue FILE --server HOST:PORT`: what a listener with `record` has kept, played to a server. */
export function replayDialogueCommand(): Command {
  return new Command('replay-dialogue')
    .description('play a recorded SMTP dialogue to a server; 1 where it answers otherwise')
    .argument('<file>', 'what a listener with record: true has kept')
    .requiredOption('-s, --server <address>', 'host:port, or the path of a UNIX socket')
    .option('--json', 'the differences, as JSON')
    .action(
      async (path: string, { server, json }: { server: string; json?: true }, command: Command) => {
        const address = parseListenAddress(server)
        if (address === undefined || 'inherited' in address) {
          return command.error(`error: '${printable(server)}' is no address of a server`, {
            exitCode: 2,
          })
        }
        const steps = parseDialogueFile(
          Buffer.from(await systemDisk.readFile(path)).toString('latin1'),
        )
        const options = { steps, address, net: nodeNet, clock: systemClock, timeoutMs }
        const different = await replayDialogue(options)
        if (json === true) process.stdout.write(`${JSON.stringify({ different }, undefined, 2)}\n`)
        for (const { line, expected, said } of json === true ? [] : different) {
          process.stdout.write(`line ${line}: ${printable(expected)}\n  now: ${printable(said)}\n`)
        }
        if (different.length > 0) process.exitCode = 1
      },
    )
}
