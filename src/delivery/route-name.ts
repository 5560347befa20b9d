/** What operators call a route: its key, or the host that it leads to. */
import type { Route } from '../mail/route.ts'

export function isRouteName(route: Route, name: string): boolean {
  return route.key === name || routeName(route) === name.toLowerCase()
}

/** The domain whose exchangers are asked, the relay of smtproutes, or the key where a route leads to no host. */
export function routeName(route: Route): string {
  return 'host' in route ? route.host.toLowerCase() : route.key
}
