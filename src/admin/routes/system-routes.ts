import type { SystemOperations } from '../operations.ts'
import { route, type Route } from '../route.ts'
import { LogQuery, LogTail, System, TryRequest, TryResult } from '../schemas/system.ts'

export function systemRoutes(system: SystemOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/system',
        permission: 'system:read',
        summary: 'Version, listeners, certificates, spool, workers',
        answer: System,
      },
      () => system.show(),
    ),
    route(
      {
        method: 'GET',
        url: '/system/log',
        permission: 'system:log',
        summary: 'The last lines of the log, where it is a file',
        query: LogQuery,
        answer: LogTail,
      },
      ({ query: { lines = 200 } }) => system.logTail(lines),
    ),
    route(
      {
        method: 'POST',
        url: '/try',
        permission: 'try',
        summary: 'What would be said to a message: nothing is delivered, nothing is recorded',
        body: TryRequest,
        example: {
          ip: '192.0.2.7',
          hello: 'mail.example.net',
          reversePath: 'ann@example.net',
          recipients: ['bob@example.org'],
        },
        answer: TryResult,
        bodyLimit: 4 << 20,
        rate: 'strict',
      },
      ({ body }) => system.tryOut(body),
    ),
  ]
}
