/**
 * Proxies are believed who their client is. Where everybody is one, whoever connects is whom he likes, also somebody who may
 * relay.
 */
import type { Configuration, ListenerConfiguration } from '../config/configuration.ts'
import type { Path } from '../config/document.ts'
import { isMap } from '../config/reading.ts'
import type { JsonValue } from '../mail/json.ts'
import { mistakeAt, type Mistake, type WrittenAt } from '../plugin/mistake.ts'
import { isEverybody } from './relay-proof.ts'

/** Who is believed, and where it is written. */
export interface Believed {
  readonly listeners: readonly Pick<
    ListenerConfiguration,
    'address' | 'place' | 'proxyNetworks' | 'receiver'
  >[]
  readonly receiver: Pick<Configuration['receiver'], 'options' | 'place'>
}

export function claimedClientDoubts({ listeners, receiver }: Believed): readonly Mistake[] {
  const reachable = listeners.filter(isReachable)
  const ofListeners = reachable.flatMap(({ place, proxyNetworks, receiver: own }) => [
    ...doubtsOf(proxyNetworks?.list ?? [], 'a PROXY header', place, ['proxy_protocol', 'networks']),
    ...doubtsOf(xclientNetworks(own) ?? [], 'XCLIENT', place, ['receiver', 'xclient_networks']),
  ])
  const isShared = reachable.some((each) => xclientNetworks(each.receiver) === undefined)
  const shared = isShared ? (xclientNetworks(receiver.options) ?? []) : []
  return [...ofListeners, ...doubtsOf(shared, 'XCLIENT', receiver.place, ['xclient_networks'])]
}

/** Whoever comes from this host may well be a proxy. */
function isReachable({ address }: Pick<ListenerConfiguration, 'address'>): boolean {
  if ('path' in address) return false
  return 'inherited' in address || !/^(?:127\.|::1$)/.test(address.host)
}

function doubtsOf(
  networks: readonly string[],
  by: string,
  place: WrittenAt,
  path: Path,
): readonly Mistake[] {
  return networks.filter(isEverybody).map((network) =>
    mistakeAt(place, path, {
      problem: `${network} may say by ${by} who it is: so may anybody, and be a client that may relay`,
      remedy: 'name your proxies',
      code: 'open-relay',
    }),
  )
}

/** As written; what is no list of texts is a mistake, and told as one. @returns undefined where nothing is said */
function xclientNetworks(options: JsonValue | undefined): readonly string[] | undefined {
  const written = isMap(options) ? options['xclient_networks'] : undefined
  if (written === undefined) return undefined
  return Array.isArray(written) ? written.filter((each) => typeof each === 'string') : []
}
