import type { Configuration } from '../config/configuration.ts'
import type { DestinationLimits } from '../delivery/pass.ts'
import { routeName } from '../delivery/route-name.ts'
import type { Route } from '../mail/route.ts'

const mostAtATime = Number.MAX_SAFE_INTEGER

/** What the delivery section says of a next hop: by its name, else `default`, else half of the remote slots. */
export function destinationLimits(
  route: Route,
  { control, delivery }: Configuration,
): DestinationLimits {
  // Our own disk is nobody's neighbour.
  if (['maildir', 'alias', 'local'].includes(route.transport)) {
    return { concurrency: control.concurrencyLocal, intervalMs: 0 }
  }
  const others = delivery.destinations.get('default')
  const own = delivery.destinations.get(routeName(route))
  const concurrency = own?.concurrency ?? others?.concurrency
  const intervalMs = own?.intervalMs ?? others?.intervalMs ?? 0
  const isLimited = concurrency !== undefined || intervalMs > 0
  return {
    concurrency: concurrency ?? 'half',
    intervalMs,
    // Half of what it has each worker takes for itself.
    shared: isLimited ? { concurrency: concurrency ?? mostAtATime, intervalMs } : undefined,
  }
}
