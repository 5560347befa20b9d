import { Type } from 'typebox'
import type { QuarantineOperations } from '../operations.ts'
import { found, Refusal } from '../refusal.ts'
import { fileRoute, route, type Route } from '../route.ts'
import { record } from '../schemas/shapes.ts'
import {
  HeldDetails,
  HeldPage,
  QuarantineActionRequest,
  QuarantineActionResult,
  QuarantineQuery,
} from '../schemas/quarantine.ts'

const Id = record({ id: Type.String({ maxLength: 64 }) })

export function quarantineRoutes(quarantine: QuarantineOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/quarantine',
        permission: 'quarantine:read',
        summary: 'Held messages, newest first',
        query: QuarantineQuery,
        answer: HeldPage,
      },
      ({ query, caller }) => quarantine.search(query, caller.scope),
    ),
    route(
      {
        method: 'GET',
        url: '/quarantine/:id',
        permission: 'quarantine:read',
        summary: 'One held message, as plain text; nothing of the world is asked for it',
        params: Id,
        answer: HeldDetails,
      },
      async ({ params: { id }, caller }) =>
        found(await quarantine.show(id, caller.scope), `held message ${id}`),
    ),
    fileRoute(
      {
        url: '/quarantine/:id/raw',
        permission: 'quarantine:raw',
        summary: 'Its bytes, as a file to be saved',
        params: Id,
        rate: 'strict',
      },
      async ({ params: { id }, caller }) =>
        found(await quarantine.raw(id, caller.scope), `held message ${id}`),
    ),
    route(
      {
        method: 'POST',
        url: '/quarantine/actions',
        permission: 'quarantine:write',
        summary: 'Release, delete or learn held messages, or allow their senders',
        body: QuarantineActionRequest,
        answer: QuarantineActionResult,
        audit: 'quarantine.change',
      },
      async ({ body, caller, note }) => {
        const learns = body.action === 'learn-ham' || body.action === 'learn-spam'
        if (learns && !caller.permissions.has('quarantine:learn')) throw new Refusal('forbidden')
        if (body.everybody === true && caller.scope.what !== 'all') throw new Refusal('forbidden')
        const result = await quarantine.act(body, caller.scope)
        note({ target: body.action, details: { ids: body.ids, count: result.count } })
        return result
      },
    ),
  ]
}
