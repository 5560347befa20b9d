/** Listening sockets that go from process to process: the handle of libuv inside a server, which Node's channel carries. */
import type { SendHandle } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { Server } from 'node:net'
import type { HandedListener } from '../net.ts'

export class NodeHandedListener implements HandedListener {
  readonly handedListener = 'opaque'
  readonly handle: SendHandle

  constructor(handle: SendHandle) {
    this.handle = handle
  }

  close(): void {
    const { handle } = this
    if (typeof handle === 'object' && 'close' in handle) handle.close()
  }
}

/** A server would be accepted from wherever it arrives; its bare handle is only kept. */
export function handedBy(server: Server): NodeHandedListener {
  const handle: SendHandle = Reflect.get(server, '_handle')
  return new NodeHandedListener(handle)
}

/** One that whoever started us has opened: it has a number, and each process that inherits it has it for itself. */
export class InheritedListener implements HandedListener {
  readonly handedListener = 'opaque'
  readonly descriptor: number

  constructor(descriptor: number) {
    this.descriptor = descriptor
  }

  close(): void {
    closeSync(this.descriptor)
  }
}
