/** The network as the listeners of one worker of several see it: with sockets that it was handed, and a door that can be shut. */
import { listenKey } from '../runtime/listen-key.ts'
import type { HandedListener, Net } from '../runtime/net.ts'
import type { ListenerRole } from '../smtp/policy.ts'

export interface ListenerNetOptions {
  /** Other workers listen on the same addresses. */
  readonly shared: boolean
  /** By address. */
  readonly handed: ReadonlyMap<string, HandedListener>
  /** Takes a copy of each listening socket, for whoever comes after us. */
  readonly offer: (address: string, listener: HandedListener) => void
  /** Whether clients are let in now. */
  readonly admits: () => boolean
}

/** x.3.2: RFC 3463 §3.4. */
const closedSmtp = '421 4.3.2 Not accepting mail for now, come back later\r\n'
/** RFC 3206 §4. */
const closedPop3 = '-ERR [SYS/TEMP] not serving for now, come back later\r\n'

function closedWords(role: ListenerRole): string {
  switch (role) {
    case 'pop3':
    case 'pop3s':
      return closedPop3
    // A packet is answered, and there is none: who hears nothing comes back.
    case 'qmtp':
    case 'qmqp':
      return ''
    default:
      return closedSmtp
  }
}

/** @param role in whose language those are told who are not let in */
export function listenerNet(net: Net, options: ListenerNetOptions, role: ListenerRole): Net {
  const { shared, handed, offer, admits } = options
  return {
    ...net,
    async listen(wanted) {
      const before = handed.get(listenKey(wanted.address))
      const listener = await net.listen({
        ...wanted,
        ...(shared ? { shared } : {}),
        handed: before,
        accepted(connection) {
          if (admits()) return wanted.accepted(connection)
          connection.attach({
            data: () => undefined,
            ended: () => undefined,
            drained: () => undefined,
            closed: () => undefined,
          })
          connection.write(closedWords(role))
          connection.end()
        },
      })
      if (before === undefined && listener.handed !== undefined) {
        offer(listenKey(listener.address), listener.handed)
      }
      return listener
    },
  }
}
