import { Type } from 'typebox'
import type { QueueOperations } from '../operations.ts'
import { found, Refusal } from '../refusal.ts'
import type { Permission } from '../permissions.ts'
import { fileRoute, route, type Caller, type Route } from '../route.ts'
import { record } from '../schemas/shapes.ts'
import {
  Applied,
  DamagedFiles,
  Pauses,
  PauseScope,
  QueueActionRequest,
  QueueDetails,
  QueuePage,
  QueueQuery,
  QueueSummary,
  SpoolCheck,
} from '../schemas/queue.ts'

const Id = record({ id: Type.String({ maxLength: 64 }) })

/** @throws Refusal 403 that says what is missing besides */
function needs({ permissions }: Caller, permission: Permission): void {
  if (permissions.has(permission)) return
  throw new Refusal('forbidden', `It is quarantined: that needs ${permission}`)
}

export function queueRoutes(queue: QueueOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/queue',
        permission: 'queue:read',
        summary: 'Queued messages, oldest first',
        query: QueueQuery,
        answer: QueuePage,
      },
      ({ query }) => queue.list(query),
    ),
    route(
      {
        method: 'GET',
        url: '/queue/summary',
        permission: 'queue:read',
        summary: 'How much is queued, by destination',
        answer: QueueSummary,
      },
      () => queue.summary(),
    ),
    route(
      {
        method: 'GET',
        url: '/queue/messages/:id',
        permission: 'queue:read',
        summary: 'One queued message: its recipients with the last replies',
        params: Id,
        answer: QueueDetails,
      },
      async ({ params: { id }, caller }) => {
        const shown = found(await queue.show(id), `message ${id} in the queue`)
        if (!shown.quarantined || caller.permissions.has('quarantine:read')) return shown
        const { subject: _, header: __, ...others } = shown
        return others
      },
    ),
    fileRoute(
      {
        url: '/queue/messages/:id/raw',
        permission: 'queue:raw',
        summary: 'Its bytes, as they will be delivered; a file to be saved',
        params: Id,
        rate: 'strict',
      },
      async ({ params: { id }, caller }) => {
        const file = found(await queue.raw(id), `message ${id} in the queue`)
        if (file.quarantined) needs(caller, 'quarantine:raw')
        return file
      },
    ),
    route(
      {
        method: 'GET',
        url: '/queue/damaged',
        permission: 'queue:read',
        summary: 'What was set aside because its checksum does not hold, and what it was',
        answer: DamagedFiles,
        rate: 'strict',
      },
      () => queue.damaged(),
    ),
    route(
      {
        method: 'POST',
        url: '/queue/check',
        // It reads every byte of the spool: for those who run it.
        permission: 'queue:write',
        summary: 'Read the whole spool, checksums and all, and say what is wrong; changes nothing',
        answer: SpoolCheck,
        rate: 'strict',
      },
      () => queue.check(),
    ),
    route(
      {
        method: 'POST',
        url: '/queue/actions',
        permission: 'queue:write',
        summary: 'Hold, release, retry, delete or bounce the messages of a selection',
        body: QueueActionRequest,
        example: { action: 'retry', selection: { domain: 'example.org' }, dryRun: true },
        answer: Applied,
        audit: 'queue.change',
      },
      async ({ body, caller, note }) => {
        const { all, ...keys } = body.selection
        if (all !== true && Object.keys(keys).length === 0) {
          throw new Refusal('invalid', 'Say which messages, or all')
        }
        if (keys.quarantined === true) needs(caller, 'quarantine:write')
        // What the quarantine holds is not let go by the door of the queue.
        const selection = caller.permissions.has('quarantine:write')
          ? body.selection
          : { ...body.selection, quarantined: false }
        const applied = await queue.act({ ...body, selection })
        note({ target: body.action, details: { ...body, count: applied.count } })
        return applied
      },
    ),
    route(
      {
        method: 'GET',
        url: '/queue/pauses',
        permission: 'queue:read',
        summary: 'What is not delivered for now',
        answer: Pauses,
      },
      () => queue.pauses(),
    ),
    ...(['pause', 'resume'] as const).map((what) =>
      route(
        {
          method: 'POST',
          url: `/queue/${what}`,
          permission: 'queue:write',
          summary:
            what === 'pause' ? 'Deliver nothing of this until a resume' : 'Deliver this again',
          body: PauseScope,
          example: { what: 'domain', name: 'example.org' },
          answer: Pauses,
          audit: `queue.${what}`,
        },
        ({ body }) => {
          if ((body.what === 'all') !== (body.name === undefined)) {
            throw new Refusal('invalid', 'All has no name, and everything else has one')
          }
          return queue[what](body)
        },
      ),
    ),
  ]
}
