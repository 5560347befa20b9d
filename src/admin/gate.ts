/**
 * Who a request comes from, and whether it may do what it asks; before its body is read. A change made with a cookie needs
 * the session's token in a header as well, and comes from a page of ours: no other site can make a browser do it.
 */
import { timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { nobody, type Callers, type Seen } from './access/callers.ts'
import type { AccountOperations } from './operations.ts'
import { Refusal } from './refusal.ts'
import type { Caller, RouteSpec } from './route.ts'
import { isSecure, type AdminSettings } from './settings.ts'

/** The prefix makes browsers insist on Secure, on this host and on the whole of it (RFC 6265bis §4.1.3.2). */
export function cookieName(settings: AdminSettings, protocol: string): string {
  return isSecure(settings, protocol) ? '__Host-postern' : 'postern'
}

export class Gate {
  readonly #callers: Callers
  readonly #settings: AdminSettings
  readonly #accounts: Pick<AccountOperations, 'isAsOf'>

  constructor(
    callers: Callers,
    settings: AdminSettings,
    accounts: Pick<AccountOperations, 'isAsOf'>,
  ) {
    this.#callers = callers
    this.#settings = settings
    this.#accounts = accounts
  }

  /** A mailbox user whose account was changed or removed since the login is nobody any more, whoever changed it. */
  async stillThere(caller: Caller): Promise<Caller> {
    const { role, name, session, since } = caller
    if (role !== 'mailbox' || session === undefined || since === undefined) return caller
    if (await this.#accounts.isAsOf(name, since)) return caller
    this.#callers.end(session)
    return nobody(caller.from)
  }

  /** @throws Refusal 401 for a token that is not known; a cookie that is not is as good as none */
  callerOf(request: FastifyRequest, how?: Seen): Caller {
    const from = request.ip
    const { authorization } = request.headers
    if (authorization !== undefined) {
      const [, token] = /^Bearer ([\w.~+/-]{1,200}=*)$/i.exec(authorization) ?? []
      const caller = token === undefined ? undefined : this.#callers.byToken(token, from)
      if (caller === undefined) throw new Refusal('not-logged-in', 'That is no token of ours')
      return caller
    }
    const cookie = request.cookies[cookieName(this.#settings, request.protocol)]
    return (
      (cookie === undefined ? undefined : this.#callers.bySession(cookie, from, how)) ??
      nobody(from)
    )
  }

  /** Of whoever opens a page, which alone is nothing that they do. */
  rightsOf(request: FastifyRequest): Caller['permissions'] {
    // A proxy may ask for a login of its own in front of the pages.
    if (request.headers.authorization !== undefined) return new Set()
    return this.callerOf(request, { idle: true }).permissions
  }

  /** @throws Refusal 401, 403 */
  admit(request: FastifyRequest, caller: Caller, spec: Pick<RouteSpec, 'permission'>): void {
    const changes = request.method !== 'GET' && request.method !== 'HEAD'
    if (changes && caller.by !== 'token') this.#fromOurPages(request)
    if (spec.permission === 'public') return
    if (caller.by === 'nobody') throw new Refusal('not-logged-in')
    if (changes && caller.by === 'session') checkToken(request, caller)
    if (spec.permission !== 'any' && !caller.permissions.has(spec.permission)) {
      throw new Refusal('forbidden')
    }
  }

  /** Browsers say where a request comes from; what is no browser cannot be made to do anything. */
  #fromOurPages({ headers, protocol, host }: FastifyRequest): void {
    const { origin } = headers
    const site = headers['sec-fetch-site']
    const { publicUrl } = this.#settings
    const ours =
      origin === `${protocol}://${host}` ||
      (publicUrl !== undefined && origin === originOf(publicUrl))
    if (origin !== undefined && !ours) throw new Refusal('csrf')
    if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new Refusal('csrf')
  }
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}

function checkToken({ headers }: FastifyRequest, { csrfToken = '' }: Caller): void {
  const given = headers['x-csrf-token']
  const bytes = Buffer.from(typeof given === 'string' ? given : '')
  const wanted = Buffer.from(csrfToken)
  if (bytes.length !== wanted.length || bytes.length === 0 || !timingSafeEqual(bytes, wanted)) {
    throw new Refusal('csrf', 'Send the csrfToken of GET /api/v1/session as x-csrf-token')
  }
}
