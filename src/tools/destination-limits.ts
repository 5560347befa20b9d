import type { Configuration } from '../config/configuration.ts'
import type { DestinationLimits } from '../delivery/pass.ts'
import { routeName } from '../delivery/route-name.ts'
import type { Route } from '../mail/route.ts'

/** What the delivery section says of a next hop: by its name, else `default`, else half of the remote slots. */
export function destinationLimits(
  route: Route,
  { control, delivery }: Configuration,
): DestinationLimits {
  // Our own disk is nobody's neighbour.
  if (route.transport === 'maildir' || route.transport === 'local') {
    return { concurrency: control.concurrencyLocal, intervalMs: 0 }
  }
  const others = delivery.destinations.get('default')
  const own = delivery.destinations.get(routeName(route))
  return {
    concurrency:
      own?.concurrency ?? others?.concurrency ?? Math.ceil(control.concurrencyRemote / 2),
    intervalMs: own?.intervalMs ?? others?.intervalMs ?? 0,
  }
}
