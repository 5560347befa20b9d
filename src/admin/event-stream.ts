/** `/api/v1/events`: server-sent events, one connection a watcher. A reader that does not keep up is hung up on. */
import type { FastifyInstance } from 'fastify'
import type { EventTail, Watcher } from './event-tail.ts'
import { apiPrefix } from './api-prefix.ts'
import { Refusal } from './refusal.ts'
import type { Scope } from './permissions.ts'
import { seesMessage } from './scope.ts'
import type { Admit } from './server.ts'

/** Unread bytes after which a reader is given up. */
const mostUnread = 1 << 20

export function addEventStream(app: FastifyInstance, admit: Admit, tail: EventTail): void {
  // A HEAD would be a watcher that is told nothing.
  app.get(`${apiPrefix}/events`, { exposeHeadRoute: false }, (request, reply) => {
    const { scope } = admit(request, 'messages:read')
    const { raw } = reply
    const stillIn = (): boolean => {
      try {
        // A page that lies open is nobody who does anything: an idle session ends all the same.
        admit(request, 'messages:read', { idle: true })
        return true
      } catch {
        // Logged out, or the session is over: whoever watches must log in again.
        return false
      }
    }
    const watcher = watcherOn(raw, scope, stillIn)
    const lastId = request.headers['last-event-id']
    const after = typeof lastId === 'string' && /^[\w-]{1,100}$/.test(lastId) ? lastId : undefined
    const stop = tail.watch(watcher, after)
    if (stop === undefined) throw new Refusal('unavailable', 'Too many are watching already')
    reply.hijack()
    // They may be gone already, and say so no more.
    if (raw.destroyed) return stop()
    request.raw.setTimeout(0)
    raw.on('close', stop)
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    })
    raw.write('retry: 3000\n\n')
  })
}

export interface Outlet {
  readonly writableLength: number
  readonly writableEnded: boolean
  write(text: string): boolean
  end(): unknown
  destroy(): unknown
}

export function watcherOn(out: Outlet, scope: Scope, stillIn: () => boolean): Watcher {
  const send = (text: string): boolean => {
    if (out.writableEnded) return false
    if (out.writableLength > mostUnread) {
      // An end would wait until all of it is read.
      out.destroy()
      return false
    }
    out.write(text)
    return true
  }
  return {
    scope,
    transaction(message, id) {
      // What comes is theirs already; nothing else ever leaves here.
      const seen = seesMessage(message, scope)
      if (seen === undefined) return true
      const mark = id === undefined ? '' : `id: ${id}\n`
      return send(`${mark}event: transaction\ndata: ${JSON.stringify(seen)}\n\n`)
    },
    more(count) {
      return send(`event: more\ndata: ${JSON.stringify({ count })}\n\n`)
    },
    now(now) {
      if (scope.what !== 'all') return true
      return send(`event: now\ndata: ${JSON.stringify(now)}\n\n`)
    },
    beat() {
      if (stillIn()) return send(': beat\n\n')
      out.end()
      return false
    },
  }
}
