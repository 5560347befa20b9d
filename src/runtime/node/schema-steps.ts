/** Which form a database file has: SQLite keeps a number for its owner, `user_version`. Every call blocks. */
import type { DatabaseSync } from 'node:sqlite'

/** 0: nobody has written anything yet. @throws Error where it is no database */
export function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
}

/**
 * Takes the steps that are missing, all or none.
 * @param steps how the file came to be as it is, in SQL; `user_version` counts those that were taken
 * @throws Error where the file was written by a newer version
 */
export function takeSteps(database: DatabaseSync, steps: readonly string[]): void {
  if (hasAllSteps(database, steps)) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have been here in between.
    if (!hasAllSteps(database, steps)) {
      for (const step of steps.slice(versionOf(database))) database.exec(step)
      database.exec(`PRAGMA user_version = ${steps.length}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** @throws Error where it is no database, or was written by a newer version */
export function hasAllSteps(database: DatabaseSync, steps: readonly string[]): boolean {
  const version = versionOf(database)
  if (version > steps.length) throw new Error('it was written by a newer version')
  return version === steps.length
}
