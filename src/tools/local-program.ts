import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { forwardDescriptor } from '../delivery/local/as-user.ts'
import { nodeFile } from '../runtime/node/process.ts'

/** What root starts as the user whose mail it is, for one delivery. */
export const localProgram = [
  fileURLToPath(new URL('../../bin/postern', import.meta.url)),
  'local',
  `--forward-on=${forwardDescriptor}`,
] as const

/** What root starts as the user whose mail it is, to stay; by the Node that root has. */
export const ownerProgram = [
  nodeFile,
  fileURLToPath(new URL('../owner.worker.ts', import.meta.url)),
] as const

/** What root starts as the user who fetches mail. */
export const maildropProgram = [localProgram[0], 'pop3d'] as const

/**
 * As after a login, and with us at hand: `|forward …` and `|postern forward …` find the program, and that finds the gateway. What
 * is left of a qmail finds our queue too, and not its own, which nobody looks into any more. Nothing else of ours is anybody's
 * business.
 */
export function programEnvironment(folder: string): ReadonlyMap<string, string> {
  const bin = dirname(localProgram[0])
  return new Map([
    ['PATH', `/usr/local/bin:${bin}/qmail:/usr/bin:/bin:${bin}:/var/qmail/bin`],
    ['QMAILQUEUE', `${bin}/qmail-queue`],
    ['POSTERN_CONFIG', folder],
  ])
}
