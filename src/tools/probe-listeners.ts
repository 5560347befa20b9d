import type { ListenerConfiguration } from '../config/configuration.ts'
import { formatMistake } from '../config/format-mistake.ts'
import { formatListenAddress } from '../config/listen-address.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import { listenKey } from '../runtime/listen-key.ts'
import type { Net } from '../runtime/net.ts'

/** Listens on each address for a moment: what cannot be listened on is a mistake like any other. */
export async function probeListeners(
  listeners: readonly ListenerConfiguration[],
  net: Net,
): Promise<readonly Mistake[]> {
  const mistakes: Mistake[] = []
  for (const { address, place } of listeners) {
    // Whoever starts Postern has opened it, and to close it here would end it.
    if ('inherited' in address) continue
    try {
      const listener = await net.listen({
        address,
        accepted: (connection) => connection.destroy(),
        failed: () => undefined,
      })
      await listener.close()
    } catch (error) {
      const taken = isPosternError(error, 'ADDRESS_IN_USE')
      const said = error instanceof Error ? error.message : String(error)
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
 * For whoever is to follow a gateway that still serves: it must not go before it is known that the new ports can be
 * listened on. UNIX sockets are its own until then.
 * @param handed the addresses whose sockets are taken over as they are
 * @throws PosternError CONFIG_INVALID
 */
export async function tryNewPorts(
  listeners: readonly ListenerConfiguration[],
  handed: ReadonlyMap<string, unknown>,
  net: Net,
): Promise<void> {
  const fresh = listeners.filter(
    ({ address }) => 'host' in address && !handed.has(listenKey(address)),
  )
  const mistakes = await probeListeners(fresh, net)
  if (mistakes.length === 0) return
  throw new PosternError('CONFIG_INVALID', mistakes.map(formatMistake).join('\n'))
}
