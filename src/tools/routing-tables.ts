import type { Configuration } from '../config/configuration.ts'
import type { RoutingTables } from '../delivery/router.ts'

/** What the control files say of routes. */
export function routingTables({ control, delivery }: Configuration): RoutingTables {
  const { envNoAtHost, locals, virtualDomains, smtpRoutes } = control
  return { defaultHost: envNoAtHost, locals, virtualDomains, smtpRoutes, routes: delivery.routes }
}
