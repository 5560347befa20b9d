import type { ListenerConfiguration } from '../config/configuration.ts'
import { formatListenAddress } from '../config/listen-address.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import { isPosternError } from '../mail/errors.ts'
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
