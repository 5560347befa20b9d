/**
 * The HTTP server: routes become Fastify's, with one gate before and one border for errors behind. It answers JSON that its
 * schemas name, and nothing else of what it knows; it waits for nobody without a limit.
 */
import { Readable } from 'node:stream'
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import { clientNetwork } from '../mail/client-network.ts'
import { errorStack } from '../mail/errors.ts'
import type { JsonObject } from '../mail/json.ts'
import type { Log } from '../runtime/log.ts'
import type { Seen } from './access/callers.ts'
import { cookieName, type Gate } from './gate.ts'
import { besideRoutes } from './beside-routes.ts'
import type { Journal } from './journal.ts'
import { methodsByPath } from './methods.ts'
import { apiPrefix } from './api-prefix.ts'
import type { Download } from './operations.ts'
import { servePages } from './pages.ts'
import { problemOf, troubleOf } from './problem.ts'
import { Refusal } from './refusal.ts'
import { fileAnswer, type Asked, type Caller, type Route } from './route.ts'
import { isSecure, type AdminSettings } from './settings.ts'

export interface ServerParts {
  readonly settings: AdminSettings
  readonly routes: readonly Route[]
  readonly gate: Gate
  readonly journal: Journal
  readonly document: JsonObject
  readonly log: Log
  /** Whether a gateway is there, for /readyz. */
  readonly ready: () => Promise<{ readonly status: 'ok' | 'degraded' }>
  /** Adds what is no plain question and answer: the stream of events. */
  readonly more?: (app: FastifyInstance, admit: Admit) => void
}

/** Who asks, where they may. @param how.idle nobody did anything: it keeps no session alive. @throws Refusal */
export type Admit = (
  request: FastifyRequest,
  permission: Route['spec']['permission'],
  how?: Seen,
) => Caller

const bodyLimit = 64 << 10
/** A request is small: whoever has not sent it by then keeps a place that others may need. */
const arrivals = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 2_000,
}
const handshakeMs = 10_000
const silenceMs = 120_000
const mostConnections = 256
const mostHeaderBytes = 16 << 10
const strictPerMinute = 60
const loginPerMinute = 20
const handlerMs = 110_000

export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const { settings, log } = parts
  const app = fastify({
    bodyLimit,
    requestTimeout: arrivals.requestTimeout,
    connectionTimeout: silenceMs,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
    trustProxy: settings.trustedProxies.length === 0 ? false : [...settings.trustedProxies],
    routerOptions: { maxParamLength: 400 },
    // A path that cannot be decoded reaches no route, no hook and no error handler.
    frameworkErrors: (error, request, reply) => {
      reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
      speakOf(error, { request, reply, log })
    },
    // Fastify makes an https server of these; the limits hold for both kinds.
    ...(settings.tls === undefined
      ? { http: { ...arrivals, maxHeaderSize: mostHeaderBytes } }
      : {
          https: {
            ...arrivals,
            handshakeTimeout: handshakeMs,
            maxHeaderSize: mostHeaderBytes,
            cert: settings.tls.certificate,
            key: settings.tls.key,
            minVersion: 'TLSv1.2',
          },
        }),
  })
  app.server.maxConnections = mostConnections
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  acceptJsonOnly(app)
  forgetTheGone(app)
  await protect(app, settings)
  app.setErrorHandler((error, request, reply) => speakOf(error, { request, reply, log }))
  const admit: Admit = (request, permission, how) => {
    const caller = parts.gate.callerOf(request, how)
    parts.gate.admit(request, caller, { permission })
    return caller
  }
  for (const route of parts.routes) addRoute(app, route, parts)
  addPublic(app, parts)
  const absent = absenceAmong(parts.routes)
  app.all('/api/*', absent)
  parts.more?.(app, admit)
  await servePages(app, settings.pages, {
    rightsOf: (request) => parts.gate.rightsOf(request),
    // Methods that Fastify has no routes for end there.
    absent,
  })
  return app
}

/** Who has hung up before we looked has no address any more: nobody waits for an answer, and nothing is wrong. */
function forgetTheGone(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { destroyed, remoteAddress } = request.raw.socket
    if (destroyed || remoteAddress === undefined) reply.hijack()
    else done()
  })
}

/** A form of another site can send no JSON without asking first. */
function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined)
    else void parse(request, String(body), done)
  })
}

async function protect(app: FastifyInstance, settings: AdminSettings): Promise<void> {
  const secure = isSecure(settings)
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        fontSrc: ["'self'"],
        manifestSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: secure ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  })
  await app.register(cookie)
  await app.register(rateLimit, {
    max: settings.requestsPerMinute,
    timeWindow: 60_000,
    cache: 10_000,
    keyGenerator: ({ ip }) => clientNetwork(ip, { ipv4: 32, ipv6: 64 }) ?? ip,
    errorResponseBuilder: (_, { ttl }) =>
      new Refusal('too-many-requests', undefined, { retryAfter: Math.ceil(ttl / 1000) }),
  })
  app.addHook('onSend', async (request, reply) => {
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store')
  })
}

function addRoute(app: FastifyInstance, route: Route, parts: ServerParts): void {
  const { spec } = route
  const { method, url, params, query, body, answer, status = 200 } = spec
  const isFile = answer === fileAnswer
  const callers = new WeakMap<FastifyRequest, Caller>()
  app.route({
    method,
    url: `${apiPrefix}${url}`,
    ...(spec.bodyLimit === undefined ? {} : { bodyLimit: spec.bodyLimit }),
    schema: {
      ...(params === undefined ? {} : { params }),
      querystring: query ?? nothing,
      ...(body === undefined ? {} : { body }),
      ...(isFile ? {} : { response: { [status]: answer } }),
    },
    config: rateOf(spec.rate, parts.settings),
    onRequest: async (request) => {
      const caller = await parts.gate.stillThere(parts.gate.callerOf(request))
      try {
        parts.gate.admit(request, caller, spec)
      } catch (error) {
        if (spec.audit !== undefined && caller.by !== 'nobody') {
          parts.journal.record({ caller, what: spec.audit, target: request.url, done: false })
        }
        throw error
      }
      callers.set(request, caller)
    },
    handler: async (request, reply) => {
      const caller = callers.get(request)
      if (caller === undefined) throw new Refusal('not-logged-in')
      const result = await answerOf(route, { request, reply, caller, parts })
      if (!isFile) return reply.code(status).send(result)
      return sendFile(reply, result)
    },
  })
}

const nothing: TSchema = { type: 'object', properties: {}, additionalProperties: false }

function rateOf(rate: Route['spec']['rate'], { requestsPerMinute }: AdminSettings): object {
  if (rate === undefined) return {}
  const most = rate === 'login' ? loginPerMinute : strictPerMinute
  return { rateLimit: { max: Math.min(most, requestsPerMinute), timeWindow: 60_000 } }
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly caller: Caller
  readonly parts: ServerParts
}

/** Asks the handler, and writes down what it changed, or that it did not. */
async function answerOf(
  route: Route,
  { request, reply, caller, parts }: Exchange,
): Promise<unknown> {
  const { journal, settings } = parts
  const { audit } = route.spec
  let noted: Parameters<Asked['note']>[0] = {
    target: Object.values(asObject(request.params)).join(' '),
    details: request.body,
  }
  let who = caller
  const isDry = isDryRun(route.spec, request)
  const record = (done: boolean): void => {
    if (audit !== undefined && !isDry) journal.record({ caller: who, what: audit, ...noted, done })
  }
  const deadline = AbortSignal.timeout(handlerMs)
  try {
    const answer = await route.handle({
      params: request.params,
      query: request.query,
      body: request.body,
      caller,
      ifMatch: ifMatchOf(request),
      signal: deadline,
      note: (note) => (noted = { ...note }),
      setSession: (token, expiresAt) => setCookie({ request, reply, settings }, token, expiresAt),
    })
    if (caller.by === 'nobody' && noted.target !== undefined)
      who = { ...caller, name: noted.target }
    record(true)
    return answer
  } catch (error) {
    record(false)
    throw error
  }
}

/** Who only asks what would change has changed nothing; only a route that knows the word heeds it. */
function isDryRun(spec: Route['spec'], { query, body }: FastifyRequest): boolean {
  const isDry = (schema: TSchema | undefined, value: unknown): boolean =>
    asObject(asObject(schema)['properties'])['dryRun'] !== undefined &&
    asObject(value)['dryRun'] === true
  return isDry(spec.query, query) || isDry(spec.body, body)
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function ifMatchOf({ headers }: FastifyRequest): string | undefined {
  return headers['if-match']?.replace(/^(?:W\/)?"(.*)"$/, '$1')
}

interface Visit {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly settings: AdminSettings
}

function setCookie(
  { request: { protocol }, reply, settings }: Visit,
  token: string | undefined,
  expiresAt = 0,
): void {
  const options = {
    httpOnly: true,
    sameSite: 'strict',
    secure: isSecure(settings, protocol),
    path: '/',
  } as const
  const name = cookieName(settings, protocol)
  if (token === undefined) void reply.clearCookie(name, options)
  else void reply.setCookie(name, token, { ...options, expires: new Date(expiresAt) })
}

function sendFile(reply: FastifyReply, result: unknown): FastifyReply {
  const file = asDownload(result)
  const { fileName, type, sizeBytes } = file
  return reply
    .header('content-disposition', `attachment; filename="${fileName.replaceAll(/[^\w.-]/g, '_')}"`)
    .header('content-length', sizeBytes)
    .header('content-security-policy', "sandbox; default-src 'none'")
    .type(type)
    .send(Readable.from(file.read()))
}

function asDownload(result: unknown): Download {
  if (typeof result === 'object' && result !== null && 'read' in result) return result as Download
  throw new Error('a file route gave no file')
}

/** The one place where an error becomes an answer. */
function speakOf(
  error: unknown,
  { request, reply, log }: { request: FastifyRequest; reply: FastifyReply; log: Log },
): FastifyReply {
  const { problem, retryAfter, bug } = troubleOf(error, request.url.split('?')[0] ?? '')
  if (bug) {
    const said = errorStack(error)
    log.error('admin.failed', { method: request.method, path: problem.instance, error: said })
  }
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

function addPublic(app: FastifyInstance, { document, ready }: ServerParts): void {
  const text = JSON.stringify(document)
  app.get(`${apiPrefix}/openapi.json`, (_, reply) => reply.type('application/json').send(text))
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_, reply) => {
    const readiness = await ready()
    return reply.code(readiness.status === 'ok' ? 200 : 503).send(readiness)
  })
}

/** What is said where no route is: 405 with the methods there are, or 404. */
function absenceAmong(
  routes: readonly Route[],
): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const methodsOf = methodsByPath([
    ...routes.map(({ spec: { method, url } }) => ({ method, path: `${apiPrefix}${url}` })),
    ...besideRoutes.map(({ path }) => ({ method: 'GET' as const, path })),
  ])
  return (request, reply) => {
    const [path = ''] = request.url.split('?')
    const methods = methodsOf(path)
    const problem = problemOf(methods.length === 0 ? 'not-found' : 'method-not-allowed', path)
    if (methods.length > 0) reply.header('allow', methods.join(', '))
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
  }
}
