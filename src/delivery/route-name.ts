/** What operators call a route: its key, or the host that it leads to. */
import type { Route } from '../mail/route.ts'

export function isRouteName(route: Route, name: string): boolean {
  return route.key === name || routeName(route) === name.toLowerCase()
}

/** Many such names as one question. */
export class RouteNames {
  readonly #keys: ReadonlySet<string>
  readonly #hosts: ReadonlySet<string>

  constructor(names: readonly string[]) {
    this.#keys = new Set(names)
    this.#hosts = new Set(names.map((name) => name.toLowerCase()))
  }

  /** Whether one of them is this route's. */
  name(route: Route): boolean {
    return this.#keys.has(route.key) || this.#hosts.has(routeName(route))
  }
}

/** The domain whose exchangers are asked, the relay of smtproutes, or the key where a route leads to no host. */
export function routeName(route: Route): string {
  return 'host' in route ? route.host.toLowerCase() : route.key
}
