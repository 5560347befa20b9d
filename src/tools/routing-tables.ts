import type { Configuration } from '../config/configuration.ts'
import type { RoutingTables } from '../delivery/router.ts'

/** What the control files say of routes. */
export function routingTables({
  control,
  delivery,
}: Pick<Configuration, 'control'> & {
  readonly delivery: Pick<Configuration['delivery'], 'routes'>
}): RoutingTables {
  const { envNoAtHost, locals, percentHack, virtualDomains, qmtpRoutes, smtpRoutes } = control
  const { routes } = delivery
  const defaultHost = envNoAtHost
  return { defaultHost, locals, percentHack, virtualDomains, qmtpRoutes, smtpRoutes, routes }
}
