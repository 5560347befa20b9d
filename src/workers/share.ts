/** What one worker of several makes of a configuration that speaks of all of them. */
import type { ListenAddress } from '../runtime/net.ts'
import type { OpenListener, Seat } from './messages.ts'

/**
 * The listeners of one worker: ports as the first worker has them, whatever is configured by now. A UNIX socket cannot
 * be shared: the worker that leads has it alone. One that was inherited is accepted from by all. A worker that judges the
 * configuration takes its addresses; where one asks for any port, and there is one already, it stays.
 */
export function listenersOf<L extends OpenListener>(
  configured: readonly L[],
  { leads, known, judges }: Pick<Seat, 'leads' | 'known' | 'judges'>,
): readonly L[] {
  const ours = configured.filter(({ address }) => leads === true || !('path' in address))
  if (known === undefined) return ours
  const addresses = new Map(known.listeners.map(({ name, address }) => [name, address]))
  return ours.flatMap((listener) => {
    const address = addresses.get(listener.name)
    if (judges === true && !(address !== undefined && fits(listener.address, address))) {
      return [listener]
    }
    if (address === undefined) return []
    return ['host' in listener.address ? { ...listener, address } : listener]
  })
}

/** Whether what was asked for may be what there is: port 0 asks for any. */
function fits(asked: ListenAddress, found: ListenAddress): boolean {
  if (!('host' in asked && 'host' in found)) return false
  return asked.host === found.host && (asked.port === 0 || asked.port === found.port)
}
