import type { ListenerConfiguration } from '../config/configuration.ts'
import { formatMistake } from '../config/format-mistake.ts'
import { formatListenAddress } from '../config/listen-address.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import { errorMessage, isPosternError, PosternError } from '../mail/errors.ts'
import { listenKey } from '../runtime/listen-key.ts'
import type { Net } from '../runtime/net.ts'

/** Listens on each address for a moment: what cannot be listened on is a mistake like any other. */
export async function probeListeners(
  listeners: readonly ListenerConfiguration[],
  net: Net,
): Promise<readonly Mistake[]> {
  const mistakes: Mistake[] = []
  for (const { address, place, socketMode } of listeners) {
    // Whoever starts Postern has opened it, and to close it here would end it.
    if ('inherited' in address) continue
    try {
      const listener = await net.listen({
        address,
        socketMode,
        accepted: (connection) => connection.destroy(),
        failed: () => undefined,
      })
      await listener.close()
    } catch (error) {
      const taken = isPosternError(error, 'ADDRESS_IN_USE')
      const said = errorMessage(error)
      const remedy = taken
        ? 'stop the other program, or choose another port'
        : 'choose an address of this host, and a port that this user may listen on'
      const problem = `${formatListenAddress(address)}: ${said}`
      mistakes.push(mistakeAt(place, ['listen'], { problem, remedy }))
    }
  }
  return mistakes
}

/**
 * For whoever is to follow a gateway that still serves: it must not go before it is known that the new addresses can be
 * listened on.
 * @param before where it listens: nothing but that lies in our own way
 * @throws PosternError CONFIG_INVALID
 */
export async function tryNewListeners(
  listeners: readonly ListenerConfiguration[],
  before: readonly Pick<ListenerConfiguration, 'address'>[],
  net: Net,
): Promise<void> {
  const taken = new Set(before.map(({ address }) => listenKey(address)))
  const fresh = listeners
    .filter(({ address }) => !taken.has(listenKey(address)))
    .flatMap((listener) => triesOf(listener, before, net))
  const mistakes = await probeListeners(fresh, net)
  if (mistakes.length === 0) return
  throw new PosternError('CONFIG_INVALID', mistakes.map(formatMistake).join('\n'))
}

/**
 * What must be free: the address, unless it overlaps one of the gateway's own, as 0.0.0.0 does 127.0.0.1. Then each address of
 * this host that it stands for; and where the gateway has them all, that it is one of this host.
 */
function triesOf(
  listener: ListenerConfiguration,
  before: readonly Pick<ListenerConfiguration, 'address'>[],
  net: Net,
): readonly ListenerConfiguration[] {
  const { address } = listener
  if (!('host' in address)) return [listener]
  const { host, port } = address
  const own = before.flatMap((each) =>
    'host' in each.address && each.address.port === port ? [each.address.host] : [],
  )
  const overlaps = own.filter((each) => doOverlap(each, host))
  if (overlaps.length === 0) return [listener]
  const isOwn = (each: string): boolean => overlaps.some((one) => one === each || isAll(one, each))
  const meant = isWildcard(host)
    ? net.ownAddresses().filter((each) => isAll(host, each) && !/^fe80:/i.test(each))
    : [host]
  return meant.map((each) => ({
    ...listener,
    address: { host: each, port: isOwn(each) ? 0 : port },
  }))
}

function doOverlap(one: string, other: string): boolean {
  return isAll(one, other) || isAll(other, one) || (isWildcard(one) && isWildcard(other))
}

/** Whether whoever listens on the first has the second as well: `::` takes IPv4 too. */
function isAll(wildcard: string, host: string): boolean {
  return wildcard === '::' || (wildcard === '0.0.0.0' && !host.includes(':'))
}

function isWildcard(host: string): boolean {
  return host === '::' || host === '0.0.0.0'
}
