/** What stands in the control folder, what holds where nothing does, and who reads it: `postern showctl`. */
import { join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { controlFiles, type ControlFile } from '../formats/control-files.ts'
import { controlReaders, type ControlReader } from '../formats/control-readers.ts'
import { readable } from '../formats/octets.ts'
import { errorMessage, isPosternError } from '../mail/errors.ts'
import type { Disk, FileStat } from '../runtime/disk.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { staleFiles, type StaleFile } from './compiled-files.ts'

export interface ShownControl {
  readonly folder: string
  readonly files: readonly ShownControlFile[]
  /** Names that no table knows. */
  readonly unknown: readonly string[]
  readonly stale: readonly StaleFile[]
}

export interface ShownControlFile {
  readonly name: string
  readonly kind: ControlFile['kind']
  readonly meaning: string
  /** The program of qmail that reads it. */
  readonly qmail: string
  /** What of Postern reads it; absent where nothing does. */
  readonly postern?: string | undefined
  /** Why it has no effect, though it may be there. */
  readonly unread?: string | undefined
  readonly there: boolean
  /** One for each line that counts: of the file, or of the default. Secrets are not shown. */
  readonly value: readonly string[]
  /** Of a file of bytes. */
  readonly sizeBytes?: number | undefined
  readonly problem?: string | undefined
}

const mostBytes = 1 << 20
const mostLines = 1_000
const secrets: ReadonlySet<string> = new Set(['srs.secret', 'auth.cdb'])

/** @throws PosternError DISK_FAILED where the folder cannot be read */
export async function showControl(configuration: Configuration, disk: Disk): Promise<ShownControl> {
  const folder = join(configuration.folder, 'control')
  const me = await firstLine(disk, join(folder, 'me'))
  const table: readonly (readonly [keyof typeof controlFiles, ControlFile])[] = Object.keys(
    controlFiles,
  )
    .filter((name): name is keyof typeof controlFiles => name in controlFiles)
    .map((name) => [name, controlFiles[name]])
  const files = await Promise.all(
    table.map(([name, file]) =>
      shown({ name, file, me, path: join(folder, name), disk, ...readerOf(name, configuration) }),
    ),
  )
  const names = (await unlessMissing(disk.list(folder))) ?? []
  const known = new Set<string>(table.map(([name]) => name))
  return {
    folder,
    files,
    unknown: names.filter((name) => !known.has(name)).toSorted(),
    stale: staleFiles(configuration),
  }
}

/** A plugin reads its file only where the chain has it. */
function readerOf(
  name: keyof typeof controlFiles,
  { chain }: Configuration,
): Pick<ShownControlFile, 'postern' | 'unread'> {
  const reader: ControlReader = controlReaders[name]
  if ('part' in reader) return { postern: reader.part }
  if ('unread' in reader) return { unread: reader.unread }
  const { plugin, others = [] } = reader
  const asked = [plugin, ...others].filter((name) =>
    chain.some((entry) => entry.plugin === name && entry.mode !== 'off'),
  )
  if (asked.length > 0) {
    return { postern: `the plugin${asked.length > 1 ? 's' : ''} ${asked.join(', ')}` }
  }
  return { unread: `the plugin ${plugin} is off: postern enable ${plugin}` }
}

interface Looked extends Pick<ShownControlFile, 'postern' | 'unread'> {
  readonly name: string
  readonly file: ControlFile
  readonly me: string
  readonly path: string
  readonly disk: Disk
}

async function shown(looked: Looked): Promise<ShownControlFile> {
  const { name, file, postern, unread, path, disk } = looked
  const { kind, meaning, reader: qmail } = file
  const base = { name, kind, meaning, qmail, postern, unread }
  try {
    const { kind: what, sizeBytes }: FileStat = await disk.stat(path)
    if (kind === 'folder' || what === 'directory') {
      return { ...base, there: true, value: (await disk.list(path)).toSorted().slice(0, mostLines) }
    }
    if (kind === 'file' || secrets.has(name)) return { ...base, there: true, value: [], sizeBytes }
    const bytes = await disk.readFile(path, mostBytes)
    return { ...base, there: true, value: linesOf(bytes, kind).slice(0, mostLines) }
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return { ...base, there: false, value: preset(looked) }
    const problem = errorMessage(error)
    return { ...base, there: true, value: [], problem }
  }
}

function preset({ file, me }: Looked): readonly string[] {
  if (file.defaultsToMe === true) return [me]
  return file.default === undefined ? [] : [String(file.default)]
}

/** As qmail counts them: one line, or those that are neither empty nor a comment. */
function linesOf(bytes: Uint8Array, kind: ControlFile['kind']): readonly string[] {
  const lines = readable(bytes)
    .split('\n')
    .map((line) => line.trimEnd())
  if (kind === 'line' || kind === 'integer') return lines.slice(0, 1)
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

async function firstLine(disk: Disk, path: string): Promise<string> {
  try {
    return linesOf(await disk.readFile(path, mostBytes), 'line')[0] ?? ''
  } catch (error) {
    if (isPosternError(error)) return ''
    throw error
  }
}
