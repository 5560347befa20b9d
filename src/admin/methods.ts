/** Which methods there are for a path of the API: a wrong one is told those (RFC 9110 §15.5.6). */
import type { RouteSpec } from './route.ts'

/** @returns methods by path, without query; none where there is no such path */
export function methodsByPath(
  routes: readonly (Pick<RouteSpec, 'method'> & { readonly path: string })[],
): (path: string) => readonly string[] {
  const patterns = routes.map(({ method, path }) => ({ method, parts: path.split('/') }))
  return (path) => {
    const parts = path.split('/')
    const found = new Set(
      patterns.filter((pattern) => isMatch(pattern.parts, parts)).map(({ method }) => method),
    )
    return [...found].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  }
}

function isMatch(pattern: readonly string[], parts: readonly string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((part, index) => part === parts[index] || part.startsWith(':'))
  )
}
