import { textTable } from '../config/tables.ts'
import { openCdb } from '../formats/cdb-reader.ts'
import { readAtBytes } from '../formats/cdb.ts'
import type { OptionResources } from '../plugin/option.ts'
import type { FollowedFile } from '../plugin/table.ts'

/** The configuration folder of a test: what is not here does not exist. */
export interface MemoryFiles extends OptionResources {
  /** Writes a file, or takes it away; whoever follows it sees that at once. */
  set(path: string, content: string | Uint8Array | undefined): void
}

/** @param lineage the same for one configuration after the other */
export function memoryFiles(
  files: Readonly<Record<string, string | Uint8Array>> = {},
  lineage?: object,
): MemoryFiles {
  const contents = new Map(Object.entries(files).map(([path, content]) => [path, bytesOf(content)]))
  const followers = new Map<string, (() => void)[]>()
  const file = (path: string): FollowedFile => ({
    path,
    read: () => contents.get(path),
    follow(parse, before) {
      const live = { current: firstReading(() => parse(contents.get(path)), before) }
      const reread = (): void => {
        live.current = parse(contents.get(path))
      }
      followers.set(path, [...(followers.get(path) ?? []), reread])
      return live
    },
  })
  return {
    ...(lineage === undefined ? {} : { lineage }),
    file,
    table: (path) => textTable(file(path)),
    cdb(path) {
      const live = file(path).follow((bytes) =>
        bytes === undefined ? undefined : openCdb(readAtBytes(bytes)),
      )
      return {
        get present() {
          return live.current !== undefined
        },
        get: (key) => live.current?.get(key),
        path,
        entries: () => live.current?.entries() ?? [],
      }
    },
    set(path, content) {
      if (content === undefined) contents.delete(path)
      else contents.set(path, bytesOf(content))
      for (const reread of followers.get(path) ?? []) reread()
    },
  }
}

function firstReading<T>(read: () => T, before: T | undefined): T {
  try {
    return read()
  } catch (error) {
    if (before === undefined) throw error
    return before
  }
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content
}
