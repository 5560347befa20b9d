/** The OpenAPI 3.1 document: the very schemas that validate and serialise, which are JSON Schema 2020-12. */
import type { TSchema } from 'typebox'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { besideOperation, besideRoutes } from './beside-routes.ts'
import { fileAnswer, type Route, type RouteSpec } from './route.ts'
import { apiPrefix } from './api-prefix.ts'
import { Problem } from './schemas/shapes.ts'

export function openApiDocument(routes: readonly Route[], version: string): JsonObject {
  const schemas = new Map<string, JsonValue>()
  const paths: Record<string, Record<string, JsonValue>> = {}
  const refer = (schema: TSchema): JsonValue => referred(schema, schemas)
  for (const { spec } of routes) {
    const path = spec.url.replaceAll(/:(\w+)/g, '{$1}')
    const methods = (paths[`${apiPrefix}${path}`] ??= {})
    methods[spec.method.toLowerCase()] = operationOf(spec, refer)
  }
  for (const { path, ...described } of besideRoutes) {
    paths[path] = { get: besideOperation(described, refer) }
  }
  refer(Problem)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Postern',
      version,
      description:
        'Times are milliseconds since 1970. A change that a page makes needs the header x-csrf-token.',
    },
    servers: [{ url: '/' }],
    security: [{ session: [] }, { token: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'postern' },
        token: { type: 'http', scheme: 'bearer' },
      },
    },
  }
}

function operationOf(spec: RouteSpec, refer: (schema: TSchema) => JsonValue): JsonObject {
  const { method, url, permission, summary, params, query, body, answer, status = 200 } = spec
  const type =
    answer === fileAnswer ? (spec.type ?? 'application/octet-stream') : 'application/json'
  const parameters = [...parametersOf('path', params), ...parametersOf('query', query)]
  return {
    operationId: `${method.toLowerCase()}${url.replaceAll(/[^A-Za-z0-9]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: [url.split('/')[1] ?? ''],
    summary,
    'x-permission': permission,
    ...(permission === 'public' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: refer(body),
                ...(spec.example === undefined ? {} : { example: jsonOf(spec.example) }),
              },
            },
          },
        }),
    responses: {
      [status]: { description: summary, content: { [type]: { schema: refer(answer) } } },
      default: {
        description: 'What went wrong (RFC 9457)',
        content: { 'application/problem+json': { schema: refer(Problem) } },
      },
    },
  }
}

function parametersOf(where: 'path' | 'query', schema: TSchema | undefined): readonly JsonObject[] {
  const { properties = {}, required = [] } = asJson(schema ?? {})
  if (!isObject(properties)) return []
  const needed = Array.isArray(required) ? required : []
  return Object.entries(properties).map(([name, each]) => ({
    name,
    in: where,
    required: where === 'path' || needed.includes(name),
    schema: each,
  }))
}

/** With titled objects among the components, each once. */
function referred(schema: TSchema, schemas: Map<string, JsonValue>): JsonValue {
  const walk = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(walk)
    if (!isObject(value)) return value
    const { title } = value
    const inside = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, walk(each)]))
    if (typeof title !== 'string' || value['type'] !== 'object') return inside
    schemas.set(title, inside)
    return { $ref: `#/components/schemas/${title}` }
  }
  return walk(asJson(schema))
}

function jsonOf(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value))
}

function asJson(schema: object): JsonObject {
  return JSON.parse(JSON.stringify(schema))
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
