import type { Mistake } from '../plugin/mistake.ts'
import type { Accounts } from '../runtime/accounts.ts'
import { isPosternError } from '../mail/errors.ts'

/**
 * Users, domains and aliases are configuration: where they cannot be read nobody knows who is one of ours, and nothing makes
 * an empty file of it.
 */
export async function accountMistakes(
  file: string,
  accounts: Accounts,
): Promise<readonly Mistake[]> {
  try {
    await accounts.list({ limit: 1 })
    await accounts.listDomains({ limit: 1 })
    await accounts.listAliases({ limit: 1 })
    return []
  } catch (error) {
    if (!isPosternError(error, 'ACCOUNTS_FAILED')) throw error
    const cause = error.cause instanceof Error ? error.cause.message : error.message
    const problem = `the users, domains and aliases cannot be read: ${cause}`
    const remedy = 'put a copy back, or let this user read it; it is never replaced by itself'
    return [{ file, problem, remedy }]
  }
}
