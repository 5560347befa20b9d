/** Listeners that cannot both be opened. */
import type { ImportFindings } from './findings.ts'
import type { WrittenListener } from './written-config.ts'

/** Tells of each listener that has the port of another one on the same address, or on all of them. */
export function reportSharedPorts(
  listeners: readonly WrittenListener[],
  findings: ImportFindings,
): void {
  for (const [index, listener] of listeners.entries()) {
    const other = listeners.slice(0, index).find((each) => doMeet(placeOf(each), placeOf(listener)))
    if (other === undefined) continue
    findings.dangerous(
      `${listener.name} listens where ${other.name} does: ${placeOf(listener).join(':')}`,
      listener.from,
      `only one of them can be opened, the other is of ${other.from}: take one out of listeners`,
    )
  }
}

type Place = readonly [host: string, port: string]

function placeOf({ keys }: WrittenListener): Place {
  const value = keys.get('listen')?.value
  const listen = typeof value === 'string' ? value : ''
  const at = listen.lastIndexOf(':')
  return [listen.slice(0, at), listen.slice(at + 1)]
}

function doMeet([host, port]: Place, [otherHost, otherPort]: Place): boolean {
  if (port !== otherPort) return false
  return host === otherHost || takes(host, otherHost) || takes(otherHost, host)
}

/** `[::]` takes IPv4 too. */
function takes(wildcard: string, host: string): boolean {
  return wildcard === '[::]' || (wildcard === '0.0.0.0' && !host.startsWith('['))
}
