import { namesOnDisk } from 'postern/plugin'
import type { ArchiveProblem } from './archive.ts'
import type { ContentType } from './content-type.ts'

/** One thing that a rule may be about: a part in one of its readings, or an entry of an archive. */
export interface Specimen {
  /** All that some reader or unpacker calls it. */
  readonly names: readonly string[]
  /** The archives it is in, outermost first. */
  readonly within: readonly string[]
  /** As declared; none within an archive. */
  readonly types: readonly string[]
  /** By its first bytes. */
  readonly content?: ContentType
  readonly sizeBytes: number
  /** Where a rule asks for digests. */
  readonly sha256?: string
  readonly encrypted: boolean
}

/** Why something of the message was not looked at. */
export interface Unseen {
  readonly problem: ArchiveProblem | 'mime'
  readonly detail: string
}

/** All that the rules judge. */
export interface Collection {
  readonly specimens: readonly Specimen[]
  readonly unseen: readonly Unseen[]
  readonly ambiguities: readonly string[]
  /** Of every part: the fields of its header, names in lower case. Made when first asked for: few rules are about them. */
  headers(): readonly PartField[]
}

export interface PartField {
  readonly name: string
  readonly value: string
}

/** Of a file in an archive, or one that is uuencoded: what becomes of its name where it is unpacked, too. */
export function unpackedNames(names: readonly string[]): readonly string[] {
  return withBaseNames([...names, ...names.flatMap(namesOnDisk)])
}

/**
 * With what stands behind the last slash of each, where something does: rules are about files, not about folders. Of a name
 * with a colon, to Windows a stream of a file, both sides.
 */
export function withBaseNames(names: readonly string[]): readonly string[] {
  const bases = names.map(baseName)
  const streams = bases
    .filter((name) => name.includes(':'))
    .flatMap((name) => [name.slice(0, name.indexOf(':')), name.slice(name.lastIndexOf(':') + 1)])
  return [...new Set([...names, ...bases, ...streams])].filter((name) => name !== '')
}

function baseName(name: string): string {
  let end = name.length
  while (end > 0 && isSlash(name[end - 1])) end -= 1
  let start = end
  while (start > 0 && !isSlash(name[start - 1])) start -= 1
  return name.slice(start, end)
}

function isSlash(char: string | undefined): boolean {
  return char === '/' || char === '\\'
}
