/** How the file came to be as it is, step by step (`schema-steps.ts`). Only ever added to. */
export const accountsSchema: readonly string[] = [
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
