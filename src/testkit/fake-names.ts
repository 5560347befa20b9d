/** The directory tree of the fake disk: as programs see it, and as a power cut may leave it. */
import { posix } from 'node:path'
import type { Random } from '../runtime/random.ts'
import type { FakeInode } from './fake-inode.ts'

type NameChange =
  | { readonly set: string; readonly inode: FakeInode }
  | { readonly unset: string }
  /** The new name leads to the file whether or not the old one was ever safe. */
  | { readonly from: string; readonly to: string; readonly inode?: FakeInode }

type Names = Map<string, FakeInode>

export class FakeNames {
  #seen: Names
  #safe: Names
  #unsynced: NameChange[] = []

  constructor(names: ReadonlyMap<string, FakeInode> = new Map()) {
    this.#seen = new Map(names)
    this.#safe = new Map(names)
  }

  get(path: string): FakeInode | undefined {
    return this.#seen.get(path)
  }

  inodes(): ReadonlySet<FakeInode> {
    return new Set(this.#seen.values())
  }

  /** Names directly inside a folder. */
  inside(folder: string): readonly string[] {
    return [...this.#seen.keys()]
      .filter((path) => path !== folder && posix.dirname(path) === folder)
      .map((path) => posix.basename(path))
  }

  change(change: NameChange): void {
    const inode = 'from' in change ? this.#seen.get(change.from) : undefined
    apply(this.#seen, change)
    this.#unsynced.push(inode === undefined ? change : { ...change, inode })
  }

  /** Makes the changes of names directly inside the folder safe. */
  sync(folder: string): void {
    const inFolder = (change: NameChange): boolean => posix.dirname(target(change)) === folder
    for (const change of this.#unsynced.filter(inFolder)) apply(this.#safe, change)
    this.#unsynced = this.#unsynced.filter((change) => !inFolder(change))
  }

  afterPowerCut(random: Random): FakeNames {
    const names = new Map(this.#safe)
    for (const change of this.#unsynced) if (random.integer(2) === 0) apply(names, change)
    const copies = new Map<FakeInode, FakeInode>()
    const reachable = [...names].filter(([path]) => hasFolders(path, names))
    return new FakeNames(
      new Map(
        reachable.map(([path, inode]) => {
          const copy = copies.get(inode) ?? inode.afterPowerCut(random)
          copies.set(inode, copy)
          return [path, copy]
        }),
      ),
    )
  }

  afterKill(): FakeNames {
    const copies = new Map<FakeInode, FakeInode>()
    const copy = (inode: FakeInode): FakeInode => {
      const known = copies.get(inode) ?? inode.afterKill()
      copies.set(inode, known)
      return known
    }
    const after = new FakeNames()
    after.#seen = new Map([...this.#seen].map(([path, inode]) => [path, copy(inode)]))
    after.#safe = new Map([...this.#safe].map(([path, inode]) => [path, copy(inode)]))
    after.#unsynced = this.#unsynced.map((change) =>
      'inode' in change ? { ...change, inode: copy(change.inode) } : change,
    )
    return after
  }
}

function target(change: NameChange): string {
  if ('set' in change) return change.set
  return 'unset' in change ? change.unset : change.to
}

function apply(names: Names, change: NameChange): void {
  if ('set' in change) names.set(change.set, change.inode)
  else if ('unset' in change) names.delete(change.unset)
  else {
    const inode = change.inode ?? names.get(change.from)
    if (inode === undefined) return
    names.set(change.to, inode)
    names.delete(change.from)
  }
}

function hasFolders(path: string, names: Names): boolean {
  const folder = posix.dirname(path)
  if (folder === '/' || folder === '.') return true
  return names.get(folder)?.kind === 'directory' && hasFolders(folder, names)
}
