/**
 * What doors call a plugin back with, long after its hook has returned. A callback that throws is one entry's bug, and no
 * reason to hang up on everybody: it would end the whole process. What it was about is given up.
 */
import type { Clock } from '../runtime/clock.ts'
import type { Connection, ConnectionHandlers, Net } from '../runtime/net.ts'
import type { Programs, RunningProgram, RunningProgramHandlers } from '../runtime/programs.ts'

/** Told what was thrown. */
export type Failed = (error: unknown) => void

export function guardedClock(clock: Clock, failed: Failed): Pick<Clock, 'after'> {
  return { after: (delayMs, callback) => clock.after(delayMs, guarded(callback, failed)) }
}

export function guardedNet(net: Net, failed: Failed): Net {
  const held = (connection: Connection): Connection =>
    heldBack(connection, handlersOf, (error) => {
      failed(error)
      connection.destroy()
    })
  return {
    connect: async (options) => held(await net.connect(options)),
    listen: (options) => {
      const accepted = guarded(
        (connection: Connection) => options.accepted(held(connection)),
        failed,
      )
      return net.listen({ ...options, accepted, failed: guarded((e) => options.failed(e), failed) })
    },
    ownAddresses: () => net.ownAddresses(),
    tlsTrust: (authorities) => net.tlsTrust(authorities),
    tlsContext: (settings) => net.tlsContext(settings),
  }
}

export function guardedPrograms(programs: Programs, failed: Failed): Programs {
  return {
    canStart: (path) => programs.canStart(path),
    run: (call, signal) => programs.run(call, signal),
    async start(call) {
      const program: RunningProgram = await programs.start(call)
      return heldBack(program, programHandlersOf, (error) => {
        failed(error)
        program.stop()
      })
    },
  }
}

interface Attachable<Handlers> {
  attach(handlers: Handlers): void
}

/** The same object: whoever made it may know it by that. */
function heldBack<Handlers, T extends Attachable<Handlers>>(
  talker: T,
  wrapped: (handlers: Handlers, failed: Failed) => Handlers,
  failed: Failed,
): T {
  const attach = talker.attach.bind(talker)
  talker.attach = (handlers) => attach(wrapped(handlers, failed))
  return talker
}

function handlersOf(handlers: ConnectionHandlers, failed: Failed): ConnectionHandlers {
  return {
    get isEnding() {
      return handlers.isEnding === true
    },
    data: guarded((chunk) => handlers.data(chunk), failed),
    ended: guarded(() => handlers.ended(), failed),
    drained: guarded(() => handlers.drained(), failed),
    closed: guarded((error) => handlers.closed(error), failed),
  }
}

function programHandlersOf(
  handlers: RunningProgramHandlers,
  failed: Failed,
): RunningProgramHandlers {
  return {
    output: guarded((chunk) => handlers.output(chunk), failed),
    complaint: guarded((chunk) => handlers.complaint(chunk), failed),
    drained: guarded(() => handlers.drained(), failed),
    ended: guarded((end) => handlers.ended(end), failed),
  }
}

/** One that is asynchronous may fail later. */
function guarded<Given extends readonly unknown[]>(
  callback: (...given: Given) => unknown,
  failed: Failed,
): (...given: Given) => void {
  return (...given) => {
    try {
      const done = callback(...given)
      if (done instanceof Promise) done.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
