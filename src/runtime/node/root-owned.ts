import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const writableByOthers = 0o022
const sticky = 0o1000
/** As the system follows (path_resolution(7)). */
const mostLinks = 40

/**
 * Whether a file, or what lies nearest above it where it is missing, and all that leads to it are root's, and nobody else
 * may write them: whoever could would say what root does. In a folder with the sticky bit nobody else may replace what is
 * there. A symbolic link counts as much as the folders that it lies in: whoever may replace it chooses where it leads.
 * @returns the path that somebody else may write, the topmost one, as the system names it
 */
export function writableByOthersThanRoot(path: string): string | undefined {
  return ofOthers(path, { end: 'is root’s too' })
}

/** The same of all that leads to a file or folder, whoever owns that itself: whether what lies there can be exchanged. */
export function exchangeableByOthersThanRoot(path: string): string | undefined {
  return ofOthers(path, { end: 'is anybody’s' })
}

interface Expected {
  readonly end: 'is root’s too' | 'is anybody’s'
}

/** Step by step, as the system goes. */
function ofOthers(path: string, { end }: Expected): string | undefined {
  let rest = namesIn(resolve(path))
  let at = '/'
  if (!isRoots(lookedUp(at), { isEnd: false })) return at
  for (let links = 0; ;) {
    const [name, ...further] = rest
    if (name === undefined) return undefined
    rest = further
    const here = join(at, name)
    const found = name === '..' ? undefined : lookedUp(here)
    if (name === '..') at = dirname(at)
    else if (found === undefined) return isRoots(lookedUp(at), { isEnd: true }) ? undefined : at
    else if (found.isSymbolicLink()) {
      if (found.uid !== 0 || ++links > mostLinks) return here
      const target = targetOf(here)
      if (target === undefined) return here
      if (target.startsWith('/')) at = '/'
      rest = [...namesIn(target), ...rest]
    } else {
      const isEnd = rest.length === 0
      if (!(isEnd && end === 'is anybody’s') && !isRoots(found, { isEnd })) return here
      at = here
    }
  }
}

function isRoots(found: Stats | undefined, { isEnd }: { readonly isEnd: boolean }): boolean {
  if (found?.uid !== 0) return false
  return (found.mode & writableByOthers) === 0 || (!isEnd && (found.mode & sticky) !== 0)
}

function namesIn(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

/** @returns undefined for what is missing, may be so at once, or cannot be looked up */
function lookedUp(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link)
  } catch {
    // It has just been exchanged.
    return undefined
  }
}
