/** Whose files of `incoming/` are taken in next: nobody's many keep another's few waiting. Pure. */

export interface WaitingFile {
  readonly name: string
  /** Its owner. */
  readonly uid: number
  readonly sizeBytes: number
}

export interface Turn {
  /** One of each owner, then another of each. */
  readonly names: readonly string[]
  /** Somebody has more. */
  readonly isCut: boolean
}

/** Of one owner in one round. */
const mostFiles = 64
const mostBytes = 64 << 20

/** @param files the oldest first. Of each owner so many files or bytes, one at least. */
export function turnOf(files: Iterable<WaitingFile>): Turn {
  const owners = new Map<number, { readonly names: string[]; bytes: number }>()
  let isCut = false
  for (const { name, uid, sizeBytes } of files) {
    const own = owners.get(uid) ?? { names: [], bytes: 0 }
    owners.set(uid, own)
    const fits = own.names.length < mostFiles && own.bytes + sizeBytes <= mostBytes
    if (own.names.length > 0 && !fits) {
      // What is younger waits behind it.
      own.bytes = Infinity
      isCut = true
      continue
    }
    own.names.push(name)
    own.bytes += sizeBytes
  }
  const lists = [...owners.values()].map(({ names }) => names)
  const rounds = Math.max(0, ...lists.map(({ length }) => length))
  const names = Array.from({ length: rounds }, (_, at) => lists.flatMap((list) => list[at] ?? []))
  return { names: names.flat(), isCut }
}
