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
        summary: 'Release, delete, learn or copy held messages, or allow their senders',
        body: QuarantineActionRequest,
        example: { action: 'release', selection: { sender: 'ann@example.org' } },
        answer: QuarantineActionResult,
        audit: 'quarantine.change',
      },
      async ({ body, caller, note }) => {
        const learns = body.action === 'learn-ham' || body.action === 'learn-spam'
        if (learns && !caller.permissions.has('quarantine:learn')) throw new Refusal('forbidden')
        const isForAll = body.everybody === true || body.action === 'copy'
        if (isForAll && caller.scope.what !== 'all') throw new Refusal('forbidden')
        // A copy leaves with all that is in it.
        const copies = body.action === 'copy'
        if (copies && !caller.permissions.has('quarantine:raw')) throw new Refusal('forbidden')
        checkMeant(body)
        const result = await quarantine.act(body, caller.scope)
        const { action, ...details } = body
        note({ target: action, details: { ...details, count: result.count } })
        return result
      },
    ),
  ]
}

/** @throws Refusal 422 where nobody can tell which messages are meant */
function checkMeant({ action, ids, selection, all, copyTo }: QuarantineActionRequest): void {
  const isNamed = ids !== undefined
  const isSelected = selection !== undefined && Object.keys(selection).length > 0
  if ([isNamed, isSelected, all === true].filter(Boolean).length !== 1) {
    throw new Refusal('invalid', 'Say which messages: ids, a selection, or all')
  }
  if ((action === 'copy') !== (copyTo !== undefined)) {
    throw new Refusal('invalid', 'A copy, and nothing else, goes to somebody')
  }
}
