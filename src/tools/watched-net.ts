import type { Connection, ConnectionHandlers, Net } from '../runtime/net.ts'

/** Told every line of a dialogue, without its line end. */
export type LineWatcher = (direction: 'sent' | 'received', line: string) => void

/** A net whose outgoing connections tell what goes over them, line by line. */
export function watchedNet(net: Net, watch: LineWatcher): Net {
  return {
    listen: (options) => net.listen(options),
    ownAddresses: () => net.ownAddresses(),
    tlsTrust: (authorities) => net.tlsTrust(authorities),
    tlsContext: (pem) => net.tlsContext(pem),
    connect: async (options) => watchedConnection(await net.connect(options), watch),
  }
}

function watchedConnection(connection: Connection, watch: LineWatcher): Connection {
  const sent = lines((line) => watch('sent', line))
  const received = lines((line) => watch('received', line))
  return {
    remote: connection.remote,
    local: connection.local,
    attach: (handlers) => connection.attach(watchedHandlers(handlers, received)),
    write(data) {
      sent(data)
      return connection.write(data)
    },
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    end: () => connection.end(),
    close: () => connection.close(),
    destroy: () => connection.destroy(),
    startTls: (options) => connection.startTls(options),
  }
}

function watchedHandlers(
  handlers: ConnectionHandlers,
  received: (data: Uint8Array) => void,
): ConnectionHandlers {
  return {
    data(chunk) {
      received(chunk)
      handlers.data(chunk)
    },
    ended: () => handlers.ended(),
    drained: () => handlers.drained(),
    closed: (error) => handlers.closed(error),
  }
}

/** Cuts a stream into lines; a line is told when it is whole. */
function lines(tell: (line: string) => void): (data: string | Uint8Array) => void {
  let rest = ''
  return (data) => {
    rest += typeof data === 'string' ? data : Buffer.from(data).toString('latin1')
    const whole = rest.split('\r\n')
    rest = (whole.pop() ?? '').slice(-4096)
    for (const line of whole) tell(line)
  }
}
