/** Which page needs which permission. The server decides; this only spares people doors that would not open. */
import type { SessionView } from '../../schemas/access.ts'
import { pageRows, type PageName, type PageRow } from './places.ts'

export type Permission = SessionView['permissions'][number]

/** One of these is enough. */
const needs: Readonly<Record<PageName, readonly Permission[]>> = {
  now: ['queue:read'],
  messages: ['messages:read'],
  queue: ['queue:read'],
  quarantine: ['quarantine:read'],
  chain: ['chain:read'],
  policy: ['policy:read'],
  domains: ['accounts:read'],
  try: ['try'],
  system: ['system:read', 'access:manage', 'audit:read', 'tokens:own'],
}

export function may(permissions: readonly Permission[], ...any: readonly Permission[]): boolean {
  return any.some((each) => permissions.includes(each))
}

export function pagesFor(permissions: readonly Permission[]): readonly PageRow[] {
  return pageRows.filter(({ name }) => may(permissions, ...needs[name]))
}

export function mayOpen(page: PageName, permissions: readonly Permission[]): boolean {
  return may(permissions, ...needs[page])
}
