/**
 * The program of a gateway that root has started: the supervisor, under the gateway's own account. Signals are the
 * keeper's, who passes them on; without a keeper it ends at once, and its workers with it.
 */
import { runGateway } from './main.ts'
import type { Log } from './runtime/log.ts'
import { hostProcess } from './runtime/node/process.ts'
import { supervisorChannel } from './runtime/node/workers.ts'
import type { KeptSignal, ToGateway } from './workers/keeper-messages.ts'

class KeptGateway {
  readonly #keeper = supervisorChannel<ToGateway, ToGateway>()
  readonly #callbacks = new Map<KeptSignal, () => void>()
  #log: Log | undefined

  attach(): void {
    this.#keeper.attach({
      heard: (message) => this.#hear(message),
      closed: () => process.exit(1),
    })
  }

  #hear(message: ToGateway): void {
    switch (message.say) {
      case 'open':
        return void this.#run(message.folder)
      case 'signal':
        return this.#callbacks.get(message.signal)?.()
      case 'deliverer-ended': {
        const { how, livedMs, delayMs } = message
        return this.#log?.error('deliverer.ended', { how, livedMs, delayMs })
      }
      case 'deliverer-opened':
        return this.#log?.info('deliverer.replaced')
    }
  }

  async #run(folder: string): Promise<void> {
    const signals = {
      onSignal: (signal: KeptSignal, callback: () => void) =>
        void this.#callbacks.set(signal, callback),
    }
    const opened = (log: Log): void => {
      this.#log = log
    }
    process.exit(await runGateway(folder, signals, opened))
  }
}

// What it makes is for its account alone; others pass through its folders.
process.umask(0o077)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGALRM'] as const) {
  hostProcess.onSignal(signal, () => undefined)
}
new KeptGateway().attach()
