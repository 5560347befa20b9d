import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A new folder whose own folders ext4 places far from each other and from all that is there (chattr +T; another file
 * system, or a machine without chattr, places them as it likes). Without a journal it does not give away for minutes what was
 * deleted, and looks past all of it for each new file: whoever is measured would pay for those who were stopped before.
 */
export function spreadFolder(parent: string, prefix: string): string {
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, prefix))
  spawnSync('chattr', ['+T', folder], { stdio: 'ignore' })
  return folder
}
