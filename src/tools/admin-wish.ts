import type { AdminWish } from '../workers/admin-keeper.ts'
import { readFolder } from './read-offline.ts'

/** What the configuration on the disk wants of the administration, with all that its process opens once. */
export function adminWish(folder: string): AdminWish {
  const { configuration } = readFolder(folder)
  if (configuration === undefined) return { wants: 'unknown' }
  const { admin, log, accounts } = configuration
  if (admin === undefined) return { wants: 'off' }
  return { wants: 'on', settings: JSON.stringify([admin, log, accounts]) }
}
