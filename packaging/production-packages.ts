/** The packages of node_modules that run: the dependencies, what they need in turn, and the Node for this machine. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** @returns their folders, relative to `checkout`, parents first */
export function productionPackages(checkout: string): readonly string[] {
  const found = new Set<string>()
  const pending = [{ from: checkout, manifest: manifestOf(checkout) }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { from, manifest } = next
    const optional = Object.keys(manifest.optionalDependencies ?? {})
    for (const name of [...Object.keys(manifest.dependencies ?? {}), ...optional]) {
      const folder = resolvePackage(name, from, checkout)
      if (folder === undefined) {
        // One for another machine.
        if (optional.includes(name)) continue
        throw new Error(`${name}, which ${from} needs, is not installed`)
      }
      const path = folder.slice(checkout.length).replace(/^\//, '')
      if (found.has(path)) continue
      found.add(path)
      pending.push({ from: folder, manifest: manifestOf(folder) })
    }
  }
  return [...found].toSorted()
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** As Node looks for it: in node_modules of the folder, then of those above it. */
function resolvePackage(name: string, from: string, checkout: string): string | undefined {
  for (let at = from; at.length >= checkout.length - 1 && at !== '/'; at = dirname(at)) {
    const folder = join(at, 'node_modules', name)
    if (existsSync(join(folder, 'package.json'))) return folder
  }
  return undefined
}
