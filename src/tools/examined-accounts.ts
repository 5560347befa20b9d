import type { Configuration } from '../config/configuration.ts'
import type { Accounts } from '../runtime/accounts.ts'
import { nodeAccounts } from '../runtime/node/accounts.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { hostProcess } from '../runtime/node/process.ts'
import { writableByOthersThanRoot } from '../runtime/node/root-owned.ts'

/**
 * The accounts for commands that only look at them. Where root looks at those of another, nothing is written: what has the name of
 * the file may be a link of theirs to a file of root's.
 */
export function examinedAccounts({
  accounts: { path },
}: Pick<Configuration, 'accounts'>): Accounts {
  const isAnothers = hostProcess.uid === 0 && writableByOthersThanRoot(path) !== undefined
  return nodeAccounts({ path, clock: systemClock, readOnly: isAnothers })
}
