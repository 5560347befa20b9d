import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const sticky = 0o1000
const writableByGroup = 0o020
const writableByAll = 0o002
/** As the system follows (path_resolution(7)). */
const mostLinks = 40

/**
 * Whether a file, or what lies nearest above it where it is missing, and all that leads to it are root's, and nobody else
 * may write them: whoever could would say what root does. In a folder with the sticky bit nobody else may replace what is
 * there. A symbolic link counts as much as the folders that it lies in: whoever may replace it chooses where it leads.
 * @returns the path that somebody else may write, the topmost one, as the system names it
 */
export function writableByOthersThanRoot(path: string): string | undefined {
  return pathOf(anybodyButRoot, path, { endCounts: true })
}

/** The same of all that leads to a file or folder, whoever owns that itself: whether what lies there can be exchanged. */
export function exchangeableByOthersThanRoot(path: string): string | undefined {
  return pathOf(anybodyButRoot, path, { endCounts: false })
}

/** The path at which this account, which has no further group, may change a file or what leads to it. */
export function writableByAccount(
  path: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): string | undefined {
  const writes = (found: Stats): boolean =>
    (found.mode & (found.gid === gid ? writableByGroup | writableByAll : writableByAll)) !== 0
  return pathOf({ owns: (found) => found.uid === uid, writes }, path, { endCounts: true })
}

/**
 * Whether somebody may write it who is neither root nor this owner, nor of the group of either: for where root runs what
 * another has installed anyhow.
 */
export function writableByThirds(
  path: string,
  owner: { readonly uid: number; readonly gid: number },
): string | undefined {
  const owns = ({ uid }: Stats): boolean => uid !== 0 && uid !== owner.uid
  const writes = ({ mode, gid }: Stats): boolean =>
    (mode & (gid === 0 || gid === owner.gid ? writableByAll : writableByGroup | writableByAll)) !==
    0
  return pathOf({ owns, writes }, path, { endCounts: true })
}

/** Whose a file is. @returns root where it cannot be looked up */
export function ownerOf(path: string): { readonly uid: number; readonly gid: number } {
  return lookedUp(path) ?? { uid: 0, gid: 0 }
}

/** Who might change what root relies on. */
interface Somebody {
  /** An owner may give himself every right. */
  readonly owns: (found: Stats) => boolean
  readonly writes: (found: Stats) => boolean
}

const anybodyButRoot: Somebody = {
  owns: ({ uid }) => uid !== 0,
  writes: ({ mode }) => (mode & (writableByGroup | writableByAll)) !== 0,
}

/** Step by step, as the system goes. What cannot be looked up is nobody's we know. */
function pathOf(
  somebody: Somebody,
  path: string,
  { endCounts }: { readonly endCounts: boolean },
): string | undefined {
  const mayChange = (found: Stats | undefined, isEnd: boolean): boolean =>
    found === undefined ||
    somebody.owns(found) ||
    (somebody.writes(found) && (isEnd || (found.mode & sticky) === 0))
  let rest = namesIn(resolve(path))
  let at = '/'
  if (mayChange(lookedUp(at), false)) return at
  for (let links = 0; ;) {
    const [name, ...further] = rest
    if (name === undefined) return undefined
    rest = further
    const here = join(at, name)
    const found = name === '..' ? undefined : lookedUp(here)
    if (name === '..') at = dirname(at)
    else if (found === undefined) return mayChange(lookedUp(at), true) ? at : undefined
    else if (found.isSymbolicLink()) {
      if (somebody.owns(found) || ++links > mostLinks) return here
      const target = targetOf(here)
      if (target === undefined) return here
      if (target.startsWith('/')) at = '/'
      rest = [...namesIn(target), ...rest]
    } else {
      const isEnd = rest.length === 0
      if ((endCounts || !isEnd) && mayChange(found, isEnd)) return here
      at = here
    }
  }
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
