/** Rows of the administration's file as the records they are. */
import type { AdminSessionRecord, AdminUserRecord, ApiTokenRecord } from '../admin-records.ts'
import type { Row } from './admin-statements.ts'

export function userOf(row: Row): AdminUserRecord {
  return {
    name: String(row['name']),
    role: String(row['role']),
    domains: words(row['domains']),
    passwordHash: String(row['password_hash']),
    createdAt: Number(row['created_at']),
    changedAt: Number(row['changed_at']),
    ...(typeof row['last_login_at'] === 'number' ? { lastLoginAt: row['last_login_at'] } : {}),
  }
}

export function sessionOf(row: Row): AdminSessionRecord {
  return {
    id: String(row['id']),
    hash: String(row['hash']),
    user: String(row['user']),
    kind: row['kind'] === 'mailbox' ? 'mailbox' : 'user',
    csrfToken: String(row['csrf_token']),
    from: String(row['origin']),
    createdAt: Number(row['created_at']),
    seenAt: Number(row['seen_at']),
    expiresAt: Number(row['expires_at']),
  }
}

export function tokenOf(row: Row): ApiTokenRecord {
  return {
    id: String(row['id']),
    hash: String(row['hash']),
    name: String(row['name']),
    owner: String(row['owner']),
    scopes: words(row['scopes']),
    createdAt: Number(row['created_at']),
    ...(typeof row['expires_at'] === 'number' ? { expiresAt: row['expires_at'] } : {}),
    ...(typeof row['last_used_at'] === 'number' ? { lastUsedAt: row['last_used_at'] } : {}),
  }
}

function words(text: unknown): readonly string[] {
  const list: unknown = JSON.parse(String(text))
  return Array.isArray(list) ? list.map(String) : []
}
