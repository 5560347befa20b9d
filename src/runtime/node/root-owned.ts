import { realpathSync, statSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'

const writableByOthers = 0o022
const sticky = 0o1000

/**
 * Whether a file, or what lies nearest above it where it is missing, and all folders above it are root's, and nobody else
 * may write them: whoever could would say what root does. In a folder with the sticky bit nobody else may replace it.
 * @returns the path that somebody else may write, as the system names it
 */
export function writableByOthersThanRoot(path: string): string | undefined {
  let at = nearest(path)
  for (let first = true; ; first = false) {
    const found = statSync(at)
    if (!isRoots(found, !first)) return at
    if (at === dirname(at)) return undefined
    at = dirname(at)
  }
}

function isRoots({ uid, mode }: Stats, isAbove: boolean): boolean {
  if (uid !== 0) return false
  return (mode & writableByOthers) === 0 || (isAbove && (mode & sticky) !== 0)
}

/** Without symbolic links. */
function nearest(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Missing, or a link to nowhere, which counts as what holds it.
    return nearest(dirname(path))
  }
}
