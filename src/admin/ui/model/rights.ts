/** Which page needs which permission. The server decides; this only spares people doors that would not open. */
import type { SessionView } from '../../schemas/access.ts'
import { pageRows, type PageName, type PageRow } from './places.ts'

export type Permission = SessionView['permissions'][number]

/** One of these is enough; where there is none, whoever is logged in. */
const needs: Readonly<Record<PageName, readonly Permission[]>> = {
  now: ['queue:read'],
  messages: ['messages:read'],
  queue: ['queue:read'],
  quarantine: ['quarantine:read'],
  chain: ['chain:read'],
  policy: ['policy:read'],
  domains: ['accounts:read'],
  try: ['try'],
  // Everybody has an account there.
  system: [],
}

export function may(permissions: readonly Permission[], ...any: readonly Permission[]): boolean {
  return any.some((each) => permissions.includes(each))
}

export function pagesFor(permissions: readonly Permission[]): readonly PageRow[] {
  return pageRows.filter(({ name }) => mayOpen(name, permissions))
}

export function mayOpen(page: PageName, permissions: readonly Permission[]): boolean {
  return needs[page].length === 0 || may(permissions, ...needs[page])
}
