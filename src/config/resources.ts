/** What options that stand for files are opened with; one set for each generation of the configuration. */
import { resolve } from 'node:path'
import type { OptionResources } from '../plugin/option.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { followedFiles } from './followed-file.ts'
import { followedCdb, textTable } from './tables.ts'

export interface OpenedResources extends OptionResources {
  /** Ends all watches and closes all databases. */
  close(): void
}

/** @param folder what relative paths are relative to */
export function configurationResources(
  folder: string,
  { disk, log }: { readonly disk: Disk; readonly log: Log },
): OpenedResources {
  const files = followedFiles(disk, log)
  const databases: { close(): void }[] = []
  return {
    file: (path) => files.file(resolve(folder, path)),
    table: (path) => textTable(files.file(resolve(folder, path))),
    cdb(path) {
      const database = followedCdb(resolve(folder, path), disk, log)
      databases.push(database)
      return database.table
    },
    close() {
      files.close()
      for (const database of databases.splice(0)) database.close()
    },
  }
}
