import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { forwardDescriptor } from '../delivery/local/as-user.ts'

/** What root starts as the user whose mail it is. */
export const localProgram = [
  fileURLToPath(new URL('../../bin/postern', import.meta.url)),
  'local',
  `--forward-on=${forwardDescriptor}`,
] as const

/** What root starts as the user who fetches mail. */
export const maildropProgram = [localProgram[0], 'pop3d'] as const

/**
 * As after a login, and with us at hand: `|postern forward …` finds the program, and that finds the gateway. Nothing else of
 * ours is anybody's business.
 */
export function programEnvironment(folder: string): ReadonlyMap<string, string> {
  return new Map([
    ['PATH', `/usr/local/bin:/usr/bin:/bin:${dirname(localProgram[0])}`],
    ['POSTERN_CONFIG', folder],
  ])
}
