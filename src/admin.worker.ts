/**
 * The program of the administration's process: opens what the configuration says, and ends with its supervisor. Signals are
 * the supervisor's. A bug in it ends it, and never the gateway.
 */
import { rehearse } from './rehearsal/rehearse-once.ts'
import { errorStack, isPosternError, PosternError } from './mail/errors.ts'
import { hostProcess } from './runtime/node/process.ts'
import { supervisorChannel } from './runtime/node/workers.ts'
import { openAdministrationOf, type OpenedAdministration } from './tools/open-administration.ts'
import { readOffline } from './tools/read-offline.ts'
import type { AdminReport, FromAdmin, ToAdmin } from './workers/admin-messages.ts'

class AdminWorker {
  readonly #supervisor = supervisorChannel<FromAdmin, ToAdmin>()
  #opened: OpenedAdministration | undefined

  attach(): void {
    // Mail goes first.
    hostProcess.giveWay()
    this.#supervisor.attach({
      heard: (message) => void this.#obey(message).catch(died),
      closed: () => process.exit(1),
    })
  }

  async #obey(order: ToAdmin): Promise<void> {
    switch (order.say) {
      case 'ping':
        return this.#supervisor.send({ say: 'alive' })
      case 'open':
        return this.#open(order.folder, order.startedAt)
      case 'stop':
        await this.#opened?.close()
        return process.exit(0)
    }
  }

  async #open(folder: string, startedAt: number): Promise<void> {
    try {
      const report = await this.#listen(folder, startedAt)
      this.#supervisor.send({ say: 'opened', report })
    } catch (error) {
      if (!isPosternError(error) && !isSystemError(error)) throw error
      this.#supervisor.send({ say: 'refused', problem: error.message })
      // What was said must arrive before the end.
      setImmediate(() => process.exit(1))
    }
  }

  async #listen(folder: string, startedAt: number): Promise<AdminReport> {
    const configuration = readOffline(folder)
    const { admin } = configuration
    if (admin === undefined) throw new PosternError('CONFIG_INVALID', 'the administration is off')
    const opened = await openAdministrationOf({
      folder,
      configuration,
      admin,
      startedAt,
      node: process.version,
      rehearse: (session) => rehearse(folder, session),
    })
    this.#opened = opened
    const { host, port } = admin.listen
    const listening = await opened.app.listen({ host, port, backlog: 128 })
    const base = admin.publicUrl ?? listening
    const setup = opened.isNew ? opened.makeSetup() : undefined
    // Behind the hash, so that it stands in no log of a proxy.
    return {
      url: listening,
      ...(setup === undefined ? {} : { setupUrl: `${base}/setup#${setup}` }),
    }
  }
}

/** The port is taken, or may not be had. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}

function died(error: unknown): void {
  process.stderr.write(`${errorStack(error)}\n`)
  process.exit(1)
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGALRM'] as const) {
  hostProcess.onSignal(signal, () => undefined)
}
new AdminWorker().attach()
