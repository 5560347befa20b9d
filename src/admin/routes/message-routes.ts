import { Type } from 'typebox'
import { csvOf } from '../csv.ts'
import type { MessageOperations } from '../operations.ts'
import { found, Refusal } from '../refusal.ts'
import { fileRoute, route, type Route } from '../route.ts'
import { record } from '../schemas/shapes.ts'
import {
  MessageDetails,
  MessageExportQuery,
  MessagePage,
  MessageQuery,
  type MessageSummary,
} from '../schemas/messages.ts'
import { Now } from '../schemas/system.ts'

const exportPage = 500

export function messageRoutes(messages: MessageOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/messages',
        permission: 'messages:read',
        summary: 'Transactions, newest first',
        query: MessageQuery,
        answer: MessagePage,
      },
      ({ query: { cursor, limit, ...filter }, caller }) =>
        messages.search(
          filter,
          {
            ...(cursor === undefined ? {} : { cursor }),
            ...(limit === undefined ? {} : { limit }),
          },
          caller.scope,
        ),
    ),
    fileRoute(
      {
        url: '/messages.csv',
        permission: 'messages:read',
        summary: 'The same as CSV, for a spreadsheet: nothing in it is taken for a formula',
        query: MessageExportQuery,
        type: 'text/csv',
        rate: 'strict',
      },
      async ({ query: { limit = 1000, ...filter }, caller, signal }) => {
        const items: MessageSummary[] = []
        for (let cursor: string | undefined; items.length < limit;) {
          if (signal.aborted) throw new Refusal('unavailable', 'That is too much: ask for less')
          const page = { limit: Math.min(exportPage, limit - items.length) }
          // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
          const found = await messages.search(
            filter,
            cursor === undefined ? page : { ...page, cursor },
            caller.scope,
          )
          items.push(...found.items)
          if (found.next === undefined) break
          cursor = found.next
        }
        const bytes = Buffer.from(csvOf(heading, items.map(cells)))
        return {
          fileName: 'messages.csv',
          type: 'text/csv; charset=utf-8; header=present',
          sizeBytes: bytes.length,
          async *read() {
            yield bytes
          },
        }
      },
    ),
    route(
      {
        method: 'GET',
        url: '/messages/:id',
        permission: 'messages:read',
        summary: 'One transaction: every step, who decided, and what became of it',
        params: record({ id: Type.String({ maxLength: 64 }) }),
        answer: MessageDetails,
      },
      async ({ params: { id }, caller }) =>
        found(await messages.show(id, caller.scope), `message ${id}`),
    ),
    route(
      {
        method: 'GET',
        url: '/now',
        permission: 'queue:read',
        summary: 'What was answered in the last minutes, and the depth of the queue',
        answer: Now,
      },
      () => messages.now(),
    ),
  ]
}

const heading = [
  'id',
  'ended',
  'client',
  'hello',
  'user',
  'sender',
  'recipients',
  'outcome',
  'code',
  'status',
  'entry',
  'reason',
  'bytes',
  'queue ids',
]

function cells(item: MessageSummary): readonly string[] {
  const { id, endedAt, remote, hello, user, reversePath, recipients, outcome, reply } = item
  return [
    id,
    new Date(endedAt).toISOString(),
    remote,
    hello ?? '',
    user ?? '',
    reversePath ?? '',
    recipients.join(' '),
    outcome,
    reply === undefined ? '' : String(reply.code),
    reply?.status ?? '',
    item.entry ?? '',
    item.reason ?? '',
    item.sizeBytes === undefined ? '' : String(item.sizeBytes),
    item.queueIds.join(' '),
  ]
}
