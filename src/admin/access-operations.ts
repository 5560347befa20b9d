/** What the routes of access ask: who comes in, and what was done. */
import type { Static } from 'typebox'
import type { PageRequest } from './operations.ts'
import type { Caller } from './route.ts'
import type {
  AdminUser,
  AdminUserChange,
  ApiToken,
  AuditPage,
  LiveSession,
  Login,
  MadeApiToken,
  NewAdminUser,
  NewApiToken,
  PasswordChange,
  Setup,
} from './schemas/access.ts'

/** A session that has just been made: the token is in the cookie and nowhere else. */
export interface MadeSession {
  readonly token: string
  readonly expiresAt: number
  readonly caller: Caller
}

export interface AccessOperations {
  setup(setup: Static<typeof Setup>, caller: Caller, signal: AbortSignal): Promise<MadeSession>
  /** Whatever session the caller had ends: nobody can be given one beforehand. */
  login(login: Static<typeof Login>, caller: Caller, signal: AbortSignal): Promise<MadeSession>
  logout(caller: Caller): Promise<boolean>
  changeOwnPassword(
    change: Static<typeof PasswordChange>,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<void>
  sessions(caller: Caller): Promise<readonly LiveSession[]>
  endSession(id: string): Promise<boolean>
  users(): Promise<readonly AdminUser[]>
  addUser(user: Static<typeof NewAdminUser>, signal: AbortSignal): Promise<AdminUser>
  changeUser(
    name: string,
    change: Static<typeof AdminUserChange>,
    signal: AbortSignal,
  ): Promise<AdminUser | undefined>
  removeUser(name: string): Promise<boolean>
  tokens(caller: Caller): Promise<readonly ApiToken[]>
  addToken(token: Static<typeof NewApiToken>, caller: Caller): Promise<Static<typeof MadeApiToken>>
  removeToken(id: string, caller: Caller): Promise<boolean>
  audit(query: PageRequest & { readonly who?: string; readonly what?: string }): Promise<AuditPage>
}
