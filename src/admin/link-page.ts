/**
 * `/quarantine?token=…`: where the links of digests lead. A page without script, without a login and without anything of
 * the message that could act. What scans mail follows links: so a GET only asks, and a POST with the token does it.
 */
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errorStack } from '../mail/errors.ts'
import type { Log } from '../runtime/log.ts'
import { nobody } from './access/callers.ts'
import type { Journal } from './journal.ts'
import { askPage, donePage, problemPage, style, type LinkProblem } from './link-pages.ts'
import type { LinkOperations, LinkReading } from './operations.ts'
import { troubleOf } from './problem.ts'
import type { AdminSettings } from './settings.ts'

export interface LinkPageParts {
  readonly links: LinkOperations
  readonly journal: Pick<Journal, 'record'>
  readonly log: Log
  readonly settings: Pick<AdminSettings, 'requestsPerMinute'>
}

const path = '/quarantine'
/** A form with one token. */
const bodyLimit = 4_096
const mostPerMinute = 60

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const statuses: Readonly<Record<LinkProblem, number>> = {
  forged: 404,
  expired: 410,
  used: 410,
  gone: 410,
  'not-yours': 403,
  busy: 429,
  unavailable: 503,
}

export function addLinkPage(
  app: FastifyInstance,
  { links, journal, log, settings }: LinkPageParts,
): void {
  const max = Math.min(mostPerMinute, settings.requestsPerMinute)
  const config = { rateLimit: { max, timeWindow: 60_000 } }
  // A scope of its own: nowhere else is a form taken.
  void app.register(async (scope) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit },
      (_, body, done) => done(null, new URLSearchParams(String(body)).get('token') ?? ''),
    )
    scope.setErrorHandler((error, request, reply) => failed(error, { request, reply, log }))
    scope.get(path, { config }, async (request, reply) => {
      const token = tokenIn(request.query)
      // Without one it is a page of the administration.
      if (token === undefined) return reply.callNotFound()
      return answered(reply, await links.look(token), (message) => askPage(message, token))
    })
    scope.post(path, { config, bodyLimit }, async (request, reply) => {
      const reading = await links.act(typeof request.body === 'string' ? request.body : '')
      if (reading.ok) {
        const { action, id, recipient } = reading.message
        journal.record({
          caller: { ...nobody(request.ip), name: recipient },
          what: 'quarantine.link',
          target: `${action} ${id}`,
          done: true,
        })
      }
      return answered(reply, reading, donePage)
    })
  })
}

function tokenIn(query: unknown): string | undefined {
  if (typeof query !== 'object' || query === null || !('token' in query)) return undefined
  return typeof query.token === 'string' ? query.token : ''
}

function answered(
  reply: FastifyReply,
  reading: LinkReading,
  page: (message: Extract<LinkReading, { readonly ok: true }>['message']) => string,
): FastifyReply {
  if (reading.ok) return show(reply, 200, page(reading.message))
  return show(reply, statuses[reading.problem], problemPage(reading.problem))
}

/** Whoever follows a link is no program: they get a page, and nothing of our inside. */
function failed(
  error: unknown,
  { request, reply, log }: { request: FastifyRequest; reply: FastifyReply; log: Log },
): FastifyReply {
  const { problem, retryAfter, bug } = troubleOf(error, path)
  if (bug) {
    const said = errorStack(error)
    log.error('admin.failed', { method: request.method, path, error: said })
  }
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  if (problem.status === 403) return show(reply, 403, problemPage('not-yours'))
  if (problem.status === 429) return show(reply, 429, problemPage('busy'))
  const ours = problem.status >= 500
  return show(reply, problem.status, problemPage(ours ? 'unavailable' : 'forged'))
}

function show(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('x-robots-tag', 'noindex')
    .header('content-security-policy', policy)
    .type('text/html; charset=utf-8')
    .send(page)
}
