/** From whatever was thrown to a problem of RFC 9457. What we do not know says nothing of our inside. */
import { isPosternError, type ErrorCode } from '../mail/errors.ts'
import type { JsonObject } from '../mail/json.ts'
import { problems, Refusal, type FieldError, type ProblemKind } from './refusal.ts'
import type { Problem } from './schemas/shapes.ts'

export interface Trouble {
  readonly problem: Problem
  /** Seconds, for Retry-After. */
  readonly retryAfter?: number
  /** Ours: the log has it whole. */
  readonly bug: boolean
}

const kindsOfCodes: Partial<Record<ErrorCode, ProblemKind>> = {
  NOT_FOUND: 'not-found',
  CONFIG_INVALID: 'invalid',
  SPOOL_LOCKED: 'unavailable',
  SPOOL_NEWER: 'unavailable',
  SPOOL_CLOSED: 'unavailable',
  CONNECT_FAILED: 'unavailable',
  PEER_FAILED: 'unavailable',
  TIMEOUT: 'unavailable',
  ABORTED: 'unavailable',
  ACCOUNTS_FAILED: 'unavailable',
  STORE_FAILED: 'unavailable',
  JOB_FAILED: 'unavailable',
  DISK_FULL: 'unavailable',
  DISK_FAILED: 'unavailable',
}

/** They speak of our files and databases: for the log. */
const inner: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ACCOUNTS_FAILED',
  'STORE_FAILED',
  'JOB_FAILED',
  'DISK_FULL',
  'DISK_FAILED',
])

/** @param instance the path of the request */
export function troubleOf(error: unknown, instance: string): Trouble {
  if (error instanceof Refusal) {
    const { errors, mistakes, retryAfter } = error.details
    return {
      problem: {
        ...problemOf(error.kind, instance, error.message),
        ...(errors === undefined ? {} : { errors }),
        ...(mistakes === undefined ? {} : { mistakes }),
      },
      ...(retryAfter === undefined ? {} : { retryAfter }),
      bug: false,
    }
  }
  if (isPosternError(error)) {
    const kind = kindsOfCodes[error.code] ?? 'internal'
    // What broke names files of ours; whoever asks, maybe nobody we know, hears that it broke.
    if (kind === 'internal' || inner.has(error.code)) {
      return { problem: problemOf(kind, instance), bug: true }
    }
    const isPath = kind === 'not-found' && error.message.includes('/')
    return { problem: problemOf(kind, instance, isPath ? undefined : error.message), bug: false }
  }
  return ofServer(error, instance)
}

/** What Fastify and its plugins throw: validation, bodies that are no JSON or too large, and bugs. */
function ofServer(error: unknown, instance: string): Trouble {
  const { statusCode, validation, message } = shapeOf(error)
  if (validation !== undefined) {
    const problem = problemOf('bad-request', instance, 'What was sent is not what the schema says')
    return { problem: { ...problem, errors: validation }, bug: false }
  }
  const kind = kindOfStatus(statusCode)
  return kind === undefined
    ? { problem: problemOf('internal', instance), bug: true }
    : { problem: problemOf(kind, instance, message), bug: false }
}

function kindOfStatus(status: number | undefined): ProblemKind | undefined {
  if (status === undefined || status >= 500 || status < 400) return undefined
  const known = Object.entries(problems).find(([, [code]]) => code === status)?.[0]
  return isKind(known) ? known : 'bad-request'
}

function isKind(word: string | undefined): word is ProblemKind {
  return word !== undefined && word in problems
}

export function problemOf(kind: ProblemKind, instance: string, detail?: string): Problem {
  const [status, title] = problems[kind]
  return {
    type: `/problems/${kind}`,
    title,
    status,
    instance,
    ...(detail === undefined || detail === title ? {} : { detail }),
  }
}

interface ServerError {
  readonly statusCode?: number
  readonly message?: string
  readonly validation?: readonly FieldError[]
}

const mostErrors = 20

function shapeOf(error: unknown): ServerError {
  if (typeof error !== 'object' || error === null) return {}
  const statusCode = 'statusCode' in error ? error.statusCode : undefined
  const validation = 'validation' in error ? error.validation : undefined
  return {
    ...(typeof statusCode === 'number' ? { statusCode } : {}),
    ...('message' in error && typeof error.message === 'string' ? { message: error.message } : {}),
    ...(Array.isArray(validation)
      ? { validation: validation.slice(0, mostErrors).map(fieldErrorOf) }
      : {}),
  }
}

function fieldErrorOf(each: unknown): FieldError {
  const { instancePath, message, params } = asObject(each)
  const pointer = typeof instancePath === 'string' ? instancePath : ''
  const said = typeof message === 'string' ? message : ''
  const named = asObject(params)
  const extra = named['additionalProperties'] ?? named['requiredProperties']
  const names = Array.isArray(extra) ? `: ${extra.map(String).join(', ').slice(0, 200)}` : ''
  return { pointer, detail: `${said}${names}` }
}

function asObject(value: unknown): { readonly [key: string]: unknown } & Partial<JsonObject> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
