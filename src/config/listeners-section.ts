/** The section `listeners`. */
import type { JsonValue } from '../mail/json.ts'
import type { WrittenAt } from '../plugin/mistake.ts'
import type { ListenerConfiguration } from './configuration.ts'
import type { Path } from './document.ts'
import { parseListenAddress } from './listen-address.ts'
import { isMap, type Reading } from './reading.ts'
import { listenerShape } from './schema.ts'
import { readListenerTls, type ReadText } from './tls-section.ts'

export interface ListenerSurroundings {
  readonly readText: ReadText
  readonly place: (path: Path) => WrittenAt
}

export function readListeners(
  reading: Reading,
  given: JsonValue | undefined,
  surroundings: ListenerSurroundings,
): readonly ListenerConfiguration[] {
  const listeners = reading.list(['listeners'], given).flatMap((item, index) => {
    const listener = readListener(reading, item, ['listeners', index], surroundings)
    return listener === undefined ? [] : [listener]
  })
  const names = new Set<string>()
  for (const { name, place } of listeners) {
    if (names.has(name))
      reading.mistake(
        [...place.path, 'name'],
        `${name} is used twice`,
        'give each listener its own name',
      )
    names.add(name)
  }
  return listeners
}

function readListener(
  reading: Reading,
  item: JsonValue,
  path: Path,
  { readText, place }: ListenerSurroundings,
): ListenerConfiguration | undefined {
  const values = reading.section(path, listenerShape, item, ['receiver'])
  const listen = listenOf(item)
  const address = listen === undefined ? undefined : parseListenAddress(listen)
  if (listen !== undefined && address === undefined) {
    reading.mistake(
      [...path, 'listen'],
      `'${listen}' is not an address with a port`,
      'write for instance 127.0.0.1:2525, [::1]:25 or /run/postern/smtp.sock',
    )
  }
  if (values === undefined || address === undefined) return undefined
  const { name, role } = values
  const isUnixSocket = 'path' in address
  if (role === 'lmtp' && 'port' in address && address.port === 25) {
    reading.mistake(
      [...path, 'listen'],
      'LMTP must not be spoken on port 25 (RFC 2033 §5)',
      'choose another port, 24 for instance, or the path of a UNIX socket',
    )
  }
  const tls = readListenerTls({ reading, values, path, isUnixSocket, readText })
  return {
    name,
    role,
    address,
    receiver: isMap(item) ? item['receiver'] : undefined,
    ...(tls === undefined ? {} : { tls }),
    handshakeTimeoutMs: values.handshake_timeout,
    maxConnections: values.max_connections,
    maxConnectionsPerAddress: values.max_connections_per_address,
    place: place(path),
  }
}

/** The address is judged even where other keys of the listener are wrong: all mistakes at once. */
function listenOf(item: JsonValue): string | undefined {
  if (typeof item !== 'object' || item === null || !('listen' in item)) return undefined
  return typeof item.listen === 'string' ? item.listen : undefined
}
