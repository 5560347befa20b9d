/** The options by which commands say which messages they mean. */
import type { Command } from 'commander'
import type { WrittenSelection } from '../tools/queue-selection.ts'

export type SelectionOptions = Omit<WrittenSelection, 'ids'>

export function withSelection(command: Command): Command {
  return command
    .option('--from <path>', 'from this reverse-path: an address, @domain, or <>')
    .option('--to <address>', 'to a waiting recipient: an address or @domain')
    .option('--domain <domain>', 'with a waiting recipient there; .example.org: anywhere below')
    .option('--older-than <age>', 'received longer ago, such as 90m or 2d')
    .option('--newer-than <age>', 'received since, such as 10m')
    .option('--held', 'on hold')
    .option('--held-bounces', 'bounces on hold because their addressee may be forged')
}
