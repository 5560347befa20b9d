import type { ListenerConfiguration } from '../config/configuration.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import type { Net, TlsContext } from '../runtime/net.ts'

/** The certificates of the listeners that have one, by name. @throws PosternError CONFIG_INVALID */
export function certificatesOf(
  listeners: readonly ListenerConfiguration[],
  net: Net,
): ReadonlyMap<string, TlsContext> {
  return new Map(
    listeners.flatMap(({ name, certificate }) =>
      certificate === undefined ? [] : [[name, net.tlsContext(certificate)] as const],
    ),
  )
}

export function certificateMistakes(
  listeners: readonly ListenerConfiguration[],
  net: Net,
): readonly Mistake[] {
  return listeners.flatMap((listener): readonly Mistake[] => {
    try {
      certificatesOf([listener], net)
      return []
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      const remedy = 'give a certificate and the key that belongs to it, both in PEM'
      return [mistakeAt(listener.place, ['certificate'], { problem, remedy })]
    }
  })
}
