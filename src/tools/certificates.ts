import type { ListenerConfiguration } from '../config/configuration.ts'
import type { Mistake } from '../config/mistake.ts'
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
      const { place } = listener
      const line = place.lineOf([...place.path, 'certificate'])
      const problem = error instanceof Error ? error.message : String(error)
      const remedy = 'give a certificate and the key that belongs to it, both in PEM'
      return [
        {
          file: place.file,
          ...(line === undefined ? {} : { line }),
          key: 'certificate',
          problem,
          remedy,
        },
      ]
    }
  })
}
