import type { DatabaseSync } from 'node:sqlite'

/** How the file came to be as it is, step by step; `user_version` counts the steps that were taken. Only ever added to. */
const steps: readonly string[] = [
  `CREATE TABLE accounts (
    user TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    scram TEXT,
    variables TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `ALTER TABLE accounts ADD COLUMN quota TEXT;
  ALTER TABLE accounts ADD COLUMN flags TEXT NOT NULL DEFAULT '';
  ALTER TABLE accounts ADD COLUMN domain TEXT NOT NULL DEFAULT '';
  UPDATE accounts SET domain = substr(user, instr(user, '@') + 1) WHERE instr(user, '@') > 0;
  CREATE INDEX accounts_by_domain ON accounts (domain, user);
  CREATE TABLE domains (
    name TEXT PRIMARY KEY,
    catch_all TEXT NOT NULL,
    over_quota TEXT NOT NULL,
    max_users INTEGER,
    max_aliases INTEGER,
    quota TEXT,
    default_quota TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE aliases (
    address TEXT PRIMARY KEY,
    domain TEXT NOT NULL,
    targets TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX aliases_by_domain ON aliases (domain, address)`,
  `CREATE TABLE domain_aliases (
    name TEXT PRIMARY KEY,
    domain TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX domain_aliases_by_domain ON domain_aliases (domain, name)`,
]

/** Takes the steps that are missing. @throws Error where the file was written by a newer version */
export function updateAccountsSchema(database: DatabaseSync): void {
  if (versionOf(database) === steps.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have been here in between.
    const version = versionOf(database)
    if (version > steps.length) throw new Error('it was written by a newer version')
    for (const step of steps.slice(version)) database.exec(step)
    database.exec(`PRAGMA user_version = ${steps.length}`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** @throws Error where it is no database, or was written by a newer version */
export function hasCurrentSchema(database: DatabaseSync): boolean {
  const version = versionOf(database)
  if (version > steps.length) throw new Error('it was written by a newer version')
  return version === steps.length
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
}
