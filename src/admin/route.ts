/** A route as a value: what it takes, what it gives, who may ask it; the server makes the rest of it. */
import { Type, type Static, type TSchema } from 'typebox'
import type { Permission, Role, Scope } from './permissions.ts'
import type { Download } from './operations.ts'

/** Who asks. */
export interface Caller {
  readonly name: string
  readonly role: Role
  readonly domains: readonly string[]
  readonly scope: Scope
  readonly permissions: ReadonlySet<Permission>
  /** The client's address. */
  readonly from: string
  readonly by: 'session' | 'token' | 'nobody'
  /** Of the session, as the table of sessions has it. */
  readonly session?: string
  /** When the session began. */
  readonly since?: number
  readonly csrfToken?: string
  /** Of the session, or of the token. */
  readonly expiresAt?: number
}

/** What a handler may do besides answering. */
export interface Asked<P = unknown, Q = unknown, B = unknown> {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly caller: Caller
  /** Of the If-Match header, without quotes. */
  readonly ifMatch: string | undefined
  readonly signal: AbortSignal
  /** Says what was changed, for the audit log; without it the log has what was sent. */
  readonly note: (note: { readonly target?: string; readonly details?: unknown }) => void
  /** The cookie of a new session, or of none. */
  readonly setSession: (token: string | undefined, expiresAt?: number) => void
}

export interface RouteSpec<
  P extends TSchema = TSchema,
  Q extends TSchema = TSchema,
  B extends TSchema = TSchema,
  R extends TSchema = TSchema,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below /api/v1. */
  readonly url: string
  /** `any`: whoever is logged in. */
  readonly permission: Permission | 'any' | 'public'
  readonly summary: string
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** Of the body, for whoever reads the document. */
  readonly example?: Static<B>
  readonly answer: R
  /** Of a file that is handed out. */
  readonly type?: string
  /** What the audit log calls it; every route that changes something has one. */
  readonly audit?: string
  readonly status?: 200 | 201
  readonly bodyLimit?: number
  /** Few times a minute: `strict` costs much, `login` guesses. */
  readonly rate?: 'strict' | 'login'
}

export interface Route {
  readonly spec: RouteSpec
  handle(asked: Asked): Promise<unknown>
}

/** A route whose handler takes and gives what its schemas say. */
export function route<P extends TSchema, Q extends TSchema, B extends TSchema, R extends TSchema>(
  spec: RouteSpec<P, Q, B, R>,
  handle: (asked: Asked<Static<P>, Static<Q>, Static<B>>) => Promise<Static<R>>,
): Route {
  const made: {
    readonly spec: RouteSpec<P, Q, B, R>
    handle(asked: Asked<Static<P>, Static<Q>, Static<B>>): Promise<unknown>
  } = { spec, handle: (asked) => handle(asked) }
  return made
}

/** The same for what is handed out as a file. */
export interface FileRoute extends Route {
  handle(asked: Asked): Promise<Download>
}

export function fileRoute<P extends TSchema, Q extends TSchema>(
  spec: Omit<RouteSpec<P, Q, TSchema, TSchema>, 'method' | 'body' | 'answer'>,
  handle: (asked: Asked<Static<P>, Static<Q>>) => Promise<Download>,
): FileRoute {
  const made: {
    readonly spec: RouteSpec
    handle(asked: Asked<Static<P>, Static<Q>>): Promise<Download>
  } = { spec: { ...spec, method: 'GET', answer: fileAnswer }, handle: (asked) => handle(asked) }
  return made
}

/** Marks the answer of a file route. */
export const fileAnswer = Type.String({ format: 'binary' })
