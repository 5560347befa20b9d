/** What goes into auth.cdb: lines of users and hashes, accounts of /etc/shadow, users of vpopmail. */
import { join } from 'node:path'
import { parseAuthLines } from '../formats/auth-cdb.ts'
import type { CdbEntry } from '../formats/cdb.ts'
import { buildCdb } from '../formats/cdb-writer.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { replaceFile } from '../runtime/replace-file.ts'
import { readOffline } from './read-offline.ts'

export interface AuthSources {
  /** Files of `user value` lines; `-` is the standard input. */
  readonly texts: readonly string[]
  readonly input: AsyncIterable<Uint8Array>
  /** A file as /etc/shadow: each of its accounts is `user` and `user@<me>`. */
  readonly shadow?: string
  /** The home of vpopmail, with `domains/` in it. */
  readonly vpopmail?: string
  /** Our own name. */
  readonly me: string
}

export interface CollectedAuth {
  readonly entries: readonly CdbEntry[]
  /** Lines that let nobody log in: where, and what to do about it. */
  readonly doubts: readonly string[]
}

/** @throws PosternError NOT_FOUND, DISK_FAILED */
export async function collectAuth(sources: AuthSources): Promise<CollectedAuth> {
  const lists: CollectedAuth[] = []
  for (const path of sources.texts) {
    // oxlint-disable-next-line no-await-in-loop -- in their order, for the first of two equal users counts
    lists.push(fromLines(path, await (path === '-' ? readAll(sources.input) : textOf(path))))
  }
  if (sources.shadow !== undefined) {
    lists.push(fromColons(await textOf(sources.shadow), ['', `@${sources.me}`]))
  }
  for (const { domain, path } of await vpasswdFiles(sources.vpopmail)) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    lists.push(fromColons(await textOf(path), [`@${domain}`]))
  }
  return {
    entries: lists.flatMap(({ entries }) => entries),
    doubts: lists.flatMap(({ doubts }) => doubts),
  }
}

/** `control/me` of a configuration. */
export function ownName(config: string): string {
  return readOffline(config).control.me
}

export function authText(entries: readonly CdbEntry[]): string {
  return entries.map(([user, value]) => `${text(user)} ${text(value)}\n`).join('')
}

/** A running gateway uses the new file from the next login on. @throws PosternError DISK_FAILED, DISK_FULL */
export async function writeAuthCdb(path: string, entries: readonly CdbEntry[]): Promise<void> {
  await replaceFile(systemDisk, path, buildCdb(entries))
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

async function textOf(path: string): Promise<string> {
  return text(await systemDisk.readFile(path))
}

async function readAll(input: AsyncIterable<Uint8Array>): Promise<string> {
  return text(Buffer.concat(await Array.fromAsync<Uint8Array>(input)))
}

function fromLines(path: string, lines: string): CollectedAuth {
  const { entries, mistakes } = parseAuthLines(lines)
  return {
    entries,
    doubts: mistakes.map(({ line, text: shown, remedy }) => `${path}:${line}: ${shown}: ${remedy}`),
  }
}

/** `user:hash:…`, as in /etc/shadow and vpasswd; locked accounts come along, for `*` is nobody's password. */
function fromColons(lines: string, suffixes: readonly string[]): CollectedAuth {
  const entries = lines.split('\n').flatMap((line): CdbEntry[] => {
    const [user = '', hash = ''] = line.split(':')
    if (user === '' || hash === '' || user.startsWith('#')) return []
    return suffixes.map((suffix) => [Buffer.from(`${user}${suffix}`), Buffer.from(hash)])
  })
  return { entries, doubts: [] }
}

interface VpasswdFile {
  readonly domain: string
  readonly path: string
}

/** vpopmail puts domains into folders of one character once there are many. */
const deepest = 3

async function vpasswdFiles(home: string | undefined): Promise<readonly VpasswdFile[]> {
  return home === undefined ? [] : filesBelow(join(home, 'domains'), deepest)
}

async function filesBelow(folder: string, depth: number): Promise<readonly VpasswdFile[]> {
  const names = (await systemDisk.list(folder)).toSorted()
  const found = await Promise.all(
    names.map(async (domain): Promise<readonly VpasswdFile[]> => {
      const path = join(folder, domain, 'vpasswd')
      if (domain.includes('.') && (await isFile(path))) return [{ domain, path }]
      const deeper = domain.length === 1 && depth > 1
      return deeper ? filesBelow(join(folder, domain), depth - 1) : []
    }),
  )
  return found.flat()
}

async function isFile(path: string): Promise<boolean> {
  return (await unlessMissing(systemDisk.stat(path)))?.kind === 'file'
}
