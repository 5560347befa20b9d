/**
 * The program of the deliverer's process: root, without network, hearing from the gateway over one UNIX socket and from
 * the keeper over its channel. Without a keeper it ends at once, and what it had started for users ends with their time.
 */
import type { DelivererServer } from './delivery/deliverer/server.ts'
import { errorStack, isPosternError } from './mail/errors.ts'
import { hostProcess } from './runtime/node/process.ts'
import { supervisorChannel } from './runtime/node/workers.ts'
import { openDeliverer } from './tools/privileges/open-deliverer.ts'
import type { FromDeliverer, ToDeliverer } from './workers/keeper-messages.ts'

class DelivererProcess {
  readonly #keeper = supervisorChannel<FromDeliverer, ToDeliverer>()
  #server: DelivererServer | undefined

  attach(): void {
    this.#keeper.attach({
      heard: (message) => void this.#obey(message).catch(died),
      closed: () => process.exit(1),
    })
  }

  async #obey(order: ToDeliverer): Promise<void> {
    switch (order.say) {
      case 'ping':
        return this.#keeper.send({ say: 'alive' })
      case 'open':
        return this.#open(order)
      case 'stop':
        await this.#server?.close()
        return process.exit(0)
    }
  }

  async #open(order: Extract<ToDeliverer, { say: 'open' }>): Promise<void> {
    try {
      this.#server = await openDeliverer({ ...order, failed: complain })
      this.#keeper.send({ say: 'opened' })
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#keeper.send({ say: 'refused', problem: error.message })
      // What was said must arrive before the end.
      setImmediate(() => process.exit(1))
    }
  }
}

function complain(error: unknown): void {
  process.stderr.write(`${errorStack(error)}\n`)
}

/** A bug: the keeper sees it by the end of the process. */
function died(error: unknown): void {
  complain(error)
  process.exit(1)
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGALRM'] as const) {
  hostProcess.onSignal(signal, () => undefined)
}
new DelivererProcess().attach()
