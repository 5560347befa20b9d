/** Listening sockets that go from process to process: the handle of libuv inside a server, which Node's channel carries. */
import type { SendHandle } from 'node:child_process'
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
