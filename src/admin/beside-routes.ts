/** What is served beside the routes and is no plain question and answer: how the OpenAPI document describes it. */
import { Type, type TSchema } from 'typebox'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { apiPrefix } from './api-prefix.ts'
import type { Permission } from './permissions.ts'
import { Problem } from './schemas/shapes.ts'
import { Health, Readiness } from './schemas/system.ts'

interface BesideRoute {
  readonly path: string
  readonly id: string
  readonly permission: Permission | 'public'
  readonly summary: string
  readonly type: string
  readonly schema: TSchema
  /** A status that says no in the same words. */
  readonly otherwise?: number
  readonly header?: string
}

/** All of them are got. */
export const besideRoutes: readonly BesideRoute[] = [
  {
    path: `${apiPrefix}/events`,
    id: 'events',
    permission: 'messages:read',
    summary:
      'What happens, as it happens: `transaction` is a MessageSummary, `now` what /now answers, `more` how many came besides',
    type: 'text/event-stream',
    schema: Type.String(),
    header: 'last-event-id',
  },
  {
    path: `${apiPrefix}/openapi.json`,
    id: 'openapi',
    permission: 'public',
    summary: 'This document',
    type: 'application/json',
    schema: Type.Object({}),
  },
  {
    path: '/healthz',
    id: 'healthz',
    permission: 'public',
    summary: 'The process lives',
    type: 'application/json',
    schema: Health,
  },
  {
    path: '/readyz',
    id: 'readyz',
    permission: 'public',
    summary: 'A gateway answers, and its configuration has no mistakes',
    type: 'application/json',
    schema: Readiness,
    otherwise: 503,
  },
  {
    path: '/metrics',
    id: 'metrics',
    permission: 'metrics:read',
    summary: 'The numbers of all workers, for Prometheus; open to some addresses',
    type: 'text/plain',
    schema: Type.String(),
  },
]

export function besideOperation(
  { id, permission, summary, type, schema, otherwise, header }: Omit<BesideRoute, 'path'>,
  refer: (schema: TSchema) => JsonValue,
): JsonObject {
  const answer = { description: summary, content: { [type]: { schema: refer(schema) } } }
  const parameter = {
    name: header ?? '',
    in: 'header',
    required: false,
    schema: { type: 'string' },
  }
  return {
    operationId: id,
    tags: [id],
    summary,
    'x-permission': permission,
    ...(permission === 'public' ? { security: [] } : {}),
    ...(header === undefined ? {} : { parameters: [parameter] }),
    responses: {
      '200': answer,
      ...(otherwise === undefined ? {} : { [otherwise]: answer }),
      default: {
        description: 'What went wrong (RFC 9457)',
        content: { 'application/problem+json': { schema: refer(Problem) } },
      },
    },
  }
}
