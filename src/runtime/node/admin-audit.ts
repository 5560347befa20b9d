/** The audit log in the administration's file: what was done stays longest, and what strangers make many of is counted. */
import type { AuditEntry, AuditRange, AuditRecord } from '../admin-records.ts'
import type { AdminStatements, Row } from './admin-statements.ts'

/** What is refused again within this time after the first is counted there, if it is among so many of the newest. */
const sameWithinMs = 15 * 60_000
const sameAmong = 50

/** How many records stay at least, and how often those beyond are looked for. */
export interface AuditLimits {
  readonly done: number
  readonly refused: number
  readonly pruneEvery: number
}

export class KeptAudit {
  readonly #statements: AdminStatements
  readonly #limits: AuditLimits
  #written = 0

  constructor(statements: AdminStatements, limits: AuditLimits) {
    this.#statements = statements
    this.#limits = limits
  }

  add(entry: AuditEntry): void {
    const { at, who, from, what, target, details, done } = entry
    if (!done && this.#countedAgain(entry)) return
    this.#statements.run(
      'INSERT INTO audit (at, who, origin, what, target, details, done) VALUES (?, ?, ?, ?, ?, ?, ?)',
      at,
      who,
      from,
      what,
      target,
      details ?? null,
      done ? 1 : 0,
    )
    if (this.#written++ % this.#limits.pruneEvery !== 0) return
    this.#prune(1, this.#limits.done)
    this.#prune(0, this.#limits.refused)
  }

  #countedAgain({ at, who, from, what, target }: AuditEntry): boolean {
    const changes = this.#statements.run(
      `UPDATE audit SET times = times + 1, last_at = ?1 WHERE id = (
        SELECT id FROM (
          SELECT * FROM audit INDEXED BY audit_by_done WHERE done = 0 ORDER BY id DESC LIMIT ?7
        ) WHERE at > ?2 AND who = ?3 AND origin = ?4 AND what = ?5 AND target = ?6 LIMIT 1)`,
      at,
      at - sameWithinMs,
      who,
      from,
      what,
      target,
      sameAmong,
    )
    return changes > 0
  }

  #prune(done: 0 | 1, most: number): void {
    this.#statements.run(
      `DELETE FROM audit WHERE done = ?1 AND id <= (
        SELECT id FROM audit WHERE done = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
      done,
      most,
    )
  }

  /** Newest first. */
  list({ before, who, what, limit }: AuditRange): readonly AuditRecord[] {
    const end = what === undefined ? null : `${what}\u{10ffff}`
    return this.#statements
      .all(
        `SELECT * FROM audit WHERE id < ?1 AND (?2 IS NULL OR who = ?2)
        AND (?3 IS NULL OR what BETWEEN ?3 AND ?4) ORDER BY id DESC LIMIT ?5`,
        before ?? Number.MAX_SAFE_INTEGER,
        who ?? null,
        what ?? null,
        end,
        limit,
      )
      .map(auditOf)
  }
}

function auditOf(row: Row): AuditRecord {
  return {
    id: Number(row['id']),
    at: Number(row['at']),
    who: String(row['who']),
    from: String(row['origin']),
    what: String(row['what']),
    target: String(row['target']),
    done: row['done'] === 1,
    times: Number(row['times']),
    ...(typeof row['last_at'] === 'number' ? { lastAt: row['last_at'] } : {}),
    ...(typeof row['details'] === 'string' ? { details: row['details'] } : {}),
  }
}
