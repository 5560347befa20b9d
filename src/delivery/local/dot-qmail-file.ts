/** Finds the .qmail file of an address and says whether it may be obeyed. */
import {
  dotQmailNames,
  parseDotQmail,
  safeExtension,
  type DotQmail,
} from '../../formats/dot-qmail.ts'
import { latin1Bytes, readable } from '../../formats/octets.ts'
import type { Disk, DiskFile } from '../../runtime/disk.ts'
import type { LocalAddress } from './local-address.ts'
import { hard, isAbsence, reasonOf, soft, type Trouble } from './trouble.ts'

/** More than anybody writes by hand; a list of recipients has an `:include:` or a program for it. */
const maxBytes = 4 << 20
const writableByAll = 0o002
const ownerMayExecute = 0o100
const sticky = 0o1000

export interface FoundDotQmail extends DotQmail {
  /** As the file is written; empty where there is none. */
  readonly isEmpty: boolean
  readonly default?: string
  /** Its owner may execute it: only forwards are obeyed. */
  readonly forwardOnly: boolean
}

/** The home as it must be before anything in it is believed. */
export async function checkHome(disk: Disk, home: string): Promise<Trouble | 'sticky' | undefined> {
  try {
    const { mode, kind } = await disk.stat(fileName(home))
    if (kind !== 'directory') return soft(`Unable to switch to ${home}: not a directory. (#4.3.0)`)
    if ((mode & writableByAll) !== 0) return soft('Uh-oh: home directory is writable. (#4.7.0)')
    return (mode & sticky) === 0 ? undefined : 'sticky'
  } catch (error) {
    return soft(`Unable to switch to ${home}: ${reasonOf(error)}. (#4.3.0)`)
  }
}

/** @returns trouble where there is none, or one that nobody should obey */
export async function findDotQmail(
  disk: Disk,
  { home, dash, extension }: LocalAddress,
): Promise<FoundDotQmail | Trouble> {
  for (const { name, default: replaced } of dotQmailNames(dash, extension)) {
    const found = await open(disk, `${home}/${name}`, name)
    if (found === undefined) continue
    if ('exit' in found) return found
    return { ...found, ...(replaced === undefined ? {} : { default: replaced }) }
  }
  if (dash !== '') return hard('Sorry, no mailbox here by that name. (#5.1.1)')
  return { beginsBlank: false, instructions: [], isEmpty: true, forwardOnly: false }
}

async function open(
  disk: Disk,
  path: string,
  name: string,
): Promise<FoundDotQmail | Trouble | undefined> {
  try {
    const file = await disk.open(fileName(path), 'read')
    try {
      return await read(file)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isAbsence(error)) return undefined
    return soft(`Unable to open ${name}: ${reasonOf(error)}. (#4.3.0)`)
  }
}

async function read(file: DiskFile): Promise<FoundDotQmail | Trouble | undefined> {
  const { kind, mode, sizeBytes } = await file.stat()
  if (kind !== 'file') return undefined
  if ((mode & writableByAll) !== 0) return soft('Uh-oh: .qmail file is writable. (#4.7.0)')
  if (sizeBytes > maxBytes) return soft('Uh-oh: .qmail file is larger than 4 MB. (#4.3.0)')
  const bytes = await file.read(0, sizeBytes)
  return {
    ...parseDotQmail(bytes),
    isEmpty: bytes.length === 0,
    forwardOnly: (mode & ownerMayExecute) !== 0,
  }
}

/**
 * The reverse-path of what an address forwards: its owner's, where `.qmail…-owner` exists; with `-owner-default` one for
 * each recipient (VERP). A bounce stays a bounce.
 */
export async function newSenderOf(disk: Disk, address: LocalAddress): Promise<string | Trouble> {
  const { home, dash, extension, local, host, sender } = address
  if (sender === '' || sender === '#@[]') return sender
  const owner = `${home}/.qmail${dash}${safeExtension(extension)}-owner`
  try {
    if (!(await isThere(disk, fileName(owner)))) return sender
    return (await isThere(disk, fileName(`${owner}-default`)))
      ? `${local}-owner-@${host}-@[]`
      : `${local}-owner@${host}`
  } catch (error) {
    return soft(`Unable to open ${owner}: ${reasonOf(error)}. (#4.3.0)`)
  }
}

async function isThere(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.stat(fileName(path))
    return true
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

/** Names on a disk of ours are UTF-8; one that is not is looked for under its Latin-1 spelling. */
export function fileName(path: string): string {
  return readable(latin1Bytes(path))
}
