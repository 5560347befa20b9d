/**
 * The door to worker processes. What is sent is cloned as JSON; sent to somebody who is gone, it is lost, and whoever
 * sent it hears of the end. Both sides belong to one program: what arrives is what the other side's types say.
 */
import type { HandedListener } from './net.ts'

/** How a process ended: its exit code, or the signal that ended it. */
export type WorkerEnd = number | string

/** A worker as its supervisor holds it. */
export interface WorkerProcess<Sent, Heard> {
  readonly pid: number
  /** @param listener goes along; what is ours of it stays ours */
  send(message: Sent, listener?: HandedListener): void
  /** At once and without a farewell (SIGKILL). */
  kill(): void
  /** To be called once, before anything can have been heard. */
  attach(handlers: WorkerHandlers<Heard>): void
}

export interface WorkerHandlers<Heard> {
  heard(message: Heard, listener?: HandedListener): void
  /** Called exactly once; nothing is heard after it. */
  ended(how: WorkerEnd): void
}

export interface WorkerProcesses<Sent, Heard> {
  /** A process that cannot be started has ended at once. */
  start(): WorkerProcess<Sent, Heard>
}

/** The supervisor as a worker hears it. */
export interface SupervisorChannel<Sent, Heard> {
  send(message: Sent, listener?: HandedListener): void
  /** To be called once. `closed`: the supervisor is gone, and nobody will be told anything any more. */
  attach(handlers: { heard(message: Heard, listener?: HandedListener): void; closed(): void }): void
}
