/** Who may what: the one table. Every route names one permission of it, or says that it is public. */
export const permissions = [
  'messages:read',
  'queue:read',
  'queue:write',
  'queue:raw',
  'quarantine:read',
  'quarantine:write',
  'quarantine:raw',
  'quarantine:learn',
  'chain:read',
  'chain:write',
  'policy:read',
  'policy:write',
  'accounts:read',
  'accounts:write',
  'domains:write',
  'configuration:read',
  'configuration:write',
  'system:read',
  'system:reload',
  'system:log',
  'metrics:read',
  'try',
  'audit:read',
  'access:manage',
  'tokens:own',
] as const
export type Permission = (typeof permissions)[number]

export const roles = [
  'admin',
  'operator',
  'helpdesk',
  'auditor',
  'domain-admin',
  'mailbox',
] as const
export type Role = (typeof roles)[number]

const reading = [
  'messages:read',
  'queue:read',
  'quarantine:read',
  'chain:read',
  'policy:read',
  'accounts:read',
  'configuration:read',
  'system:read',
  'metrics:read',
] as const

const granted: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  admin: new Set(permissions),
  operator: new Set<Permission>([
    ...reading,
    'queue:write',
    'queue:raw',
    'quarantine:write',
    'quarantine:raw',
    'quarantine:learn',
    'chain:write',
    'policy:write',
    'accounts:write',
    'domains:write',
    'configuration:write',
    'system:reload',
    'system:log',
    'try',
    'tokens:own',
  ]),
  helpdesk: new Set<Permission>([
    'messages:read',
    'queue:read',
    'quarantine:read',
    'quarantine:write',
    'quarantine:learn',
    'policy:read',
    'accounts:read',
    'system:read',
    'metrics:read',
    'try',
  ]),
  auditor: new Set<Permission>([...reading, 'system:log', 'audit:read']),
  'domain-admin': new Set<Permission>([
    'messages:read',
    'quarantine:read',
    'quarantine:write',
    'accounts:read',
    'accounts:write',
  ]),
  mailbox: new Set<Permission>(['quarantine:read', 'quarantine:write']),
}

export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return granted[role]
}

export function isRole(word: string): word is Role {
  return roles.some((role) => role === word)
}

export function isPermission(word: string): word is Permission {
  return permissions.some((permission) => permission === word)
}

/** What of the mail somebody may see: all of it, that of some domains, or that of one address and what leads to it. */
export type Scope =
  | { readonly what: 'all' }
  | { readonly what: 'domains'; readonly domains: readonly string[] }
  | {
      readonly what: 'mailbox'
      readonly address: string
      /** As `accountKey` has them; absent: they were not looked up. */
      readonly aliases?: readonly string[]
    }
