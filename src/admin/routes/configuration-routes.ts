import { Type } from 'typebox'
import { authorOf } from '../author.ts'
import type { ConfigurationOperations } from '../operations.ts'
import { found } from '../refusal.ts'
import { route, type Route } from '../route.ts'
import { Check, record } from '../schemas/shapes.ts'
import {
  Change,
  ConfigurationFiles,
  FileChange,
  FileQuery,
  FileText,
  HistoryDetails,
  HistoryPage,
  HistoryQuery,
  Preview,
} from '../schemas/configuration.ts'

const Id = record({ id: Type.String({ maxLength: 64 }) })
const textLimit = 4 << 20

export function configurationRoutes(configuration: ConfigurationOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/configuration/files',
        permission: 'configuration:read',
        summary: 'The files of the configuration folder',
        answer: ConfigurationFiles,
      },
      () => configuration.files(),
    ),
    route(
      {
        method: 'GET',
        url: '/configuration/file',
        permission: 'configuration:read',
        summary: 'The text of one file; that of a secret one is not shown',
        query: FileQuery,
        answer: FileText,
      },
      async ({ query: { path } }) =>
        found(await configuration.read(path), `file ${path} to be read`),
    ),
    route(
      {
        method: 'POST',
        url: '/configuration/preview',
        permission: 'configuration:write',
        summary:
          'What another text of a file would change, and whether it is sound; nothing is written',
        body: FileChange,
        example: {
          path: 'tcp.smtp',
          text: '127.:allow,RELAYCLIENT=""\n:allow\n',
          note: 'only we relay',
        },
        answer: Preview,
        bodyLimit: textLimit,
        rate: 'strict',
      },
      ({ body: { path, text } }) => configuration.preview(path, text),
    ),
    route(
      {
        method: 'PUT',
        url: '/configuration/file',
        permission: 'configuration:write',
        summary: 'Write a file, if the configuration is sound with it',
        body: FileChange,
        example: {
          path: 'tcp.smtp',
          text: '127.:allow,RELAYCLIENT=""\n:allow\n',
          note: 'only we relay',
        },
        answer: Change,
        audit: 'configuration.change',
        bodyLimit: textLimit,
        rate: 'strict',
      },
      async (asked) => {
        asked.note({ target: asked.body.path })
        const change = await configuration.apply(asked.body, authorOf(asked))
        asked.note({ target: asked.body.path, details: { history: change.id } })
        return change
      },
    ),
    route(
      {
        method: 'GET',
        url: '/configuration/history',
        permission: 'configuration:read',
        summary: 'Who changed what, newest first',
        query: HistoryQuery,
        answer: HistoryPage,
      },
      ({ query }) => configuration.history(query),
    ),
    route(
      {
        method: 'GET',
        url: '/configuration/history/:id',
        permission: 'configuration:read',
        summary: 'One change with its diff',
        params: Id,
        answer: HistoryDetails,
      },
      async ({ params: { id } }) => found(await configuration.historyItem(id), `change ${id}`),
    ),
    route(
      {
        method: 'POST',
        url: '/configuration/history/:id/rollback',
        permission: 'configuration:write',
        summary: 'Back to the text from before that change; an edit like any other',
        params: Id,
        answer: Change,
        audit: 'configuration.rollback',
        rate: 'strict',
      },
      async (asked) => {
        const change = await configuration.rollback(asked.params.id, authorOf(asked))
        asked.note({ target: change.path, details: { of: asked.params.id, history: change.id } })
        return change
      },
    ),
    route(
      {
        method: 'POST',
        url: '/check',
        permission: 'configuration:read',
        summary: 'What postern check says of the files as they are',
        answer: Check,
        rate: 'strict',
      },
      () => configuration.check(),
    ),
  ]
}
