/**
 * The program of a process that is the owner of mailboxes: root starts it as him, hands it one delivery after the other
 * (delivery/local/owner-processes.ts), and ends it. What belongs to one delivery, such as its environment, its folder and its
 * time, is in the order and goes with it.
 */
import { hostname } from 'node:os'
import type { OwnerOrder } from './delivery/local/owner-order.ts'
import type { UserDelivery } from './runtime/deliverer.ts'
import { readDescriptor } from './runtime/node/descriptor.ts'
import { hostProcess } from './runtime/node/process.ts'
import { deliverAsCalled } from './tools/local.ts'
import { localProgram } from './tools/local-program.ts'
import { obeyOrders } from './delivery/local/owner-deliveries.ts'

class OwnerProgram {
  readonly #stopped = new AbortController()
  #inHand = false

  async run(): Promise<void> {
    // As qmail-local: what a program of the user's makes is the user's alone, unless it says otherwise.
    process.umask(0o077)
    hostProcess.onSignal('SIGTERM', () => this.#stop())
    const ends = {
      input: readDescriptor(0),
      output: (frame: Uint8Array) => void process.stdout.write(frame),
    }
    await obeyOrders(ends, (order, message) => this.#deliver(order, message))
    this.#stop()
  }

  /** Whoever ends us, or is gone, cannot reach what we started: programs have process groups of their own. */
  #stop(): void {
    this.#stopped.abort()
    if (!this.#inHand) process.exit(0)
  }

  async #deliver(order: OwnerOrder, message: Uint8Array): Promise<UserDelivery> {
    this.#inHand = true
    const out: Uint8Array[] = []
    const err: Uint8Array[] = []
    let forward: Uint8Array = new Uint8Array()
    const exit = await deliverAsCalled(
      {
        ...order,
        message,
        queueProgram: [localProgram[0], 'qmail-queue'],
        hostname: hostname(),
        pid: process.pid,
        dryRun: false,
        tellForward: (envelope) => void (forward = envelope),
      },
      { out: (bytes) => void out.push(bytes), err: (bytes) => void err.push(bytes) },
      this.#stopped.signal,
    )
    if (this.#stopped.signal.aborted) process.exit(0)
    this.#inHand = false
    return { end: { exit }, text: Buffer.concat([...out, ...err]), forward }
  }
}

await new OwnerProgram().run()
