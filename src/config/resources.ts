/** What options that stand for files are opened with; one set for each generation of the configuration. */
import { resolve } from 'node:path'
import type { OptionResources } from '../plugin/option.ts'
import type { CdbTable, Table } from '../plugin/table.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { followedFiles } from './followed-file.ts'
import { followedCdb, textTable } from './tables.ts'

export interface OpenedResources extends OptionResources {
  /** Ends all watches and closes all databases. */
  close(): void
}

/**
 * @param folder what relative paths are relative to
 * @param lineage the same for one configuration after the other
 */
export function configurationResources(
  folder: string,
  { disk, log }: { readonly disk: Disk; readonly log: Log },
  lineage?: object,
): OpenedResources {
  const files = followedFiles(disk, log)
  // A variable may name one in as many environments as there are rules and logins: it is opened once.
  const tables = new Map<string, Table>()
  const databases = new Map<string, ReturnType<typeof followedCdb>>()
  return {
    ...(lineage === undefined ? {} : { lineage }),
    file: (path) => files.file(resolve(folder, path)),
    table(path) {
      const absolute = resolve(folder, path)
      const table = tables.get(absolute) ?? textTable(files.file(absolute))
      tables.set(absolute, table)
      return table
    },
    cdb(path) {
      const absolute = resolve(folder, path)
      const database = databases.get(absolute) ?? followedCdb(absolute, disk, log)
      databases.set(absolute, database)
      // Whoever compares the two that a file and a rule name sees two.
      const own: CdbTable = Object.create(database.table)
      return own
    },
    close() {
      files.close()
      for (const database of databases.values()) database.close()
      databases.clear()
      tables.clear()
    },
  }
}
