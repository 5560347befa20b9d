/** Aliases of /etc/aliases that lead back to themselves: such mail goes round until it is bounced as looping, or is dropped. */
import { lowerAscii } from '../octets.ts'
import type { Qualifiers } from '../inject/qualify.ts'
import { readAliases } from './aliases.ts'

export interface AliasCircle {
  /** Of the alias that stands first. */
  readonly line: number
  /** From one to the next, and from the last to the first; `user@` is `user` at each domain of the host. */
  readonly names: readonly string[]
}

export interface AliasFile {
  readonly circles: readonly AliasCircle[]
  /** A line for which newaliases, and fastforward with it, refuse the whole file; in their words. */
  readonly trouble?: { readonly line: number; readonly text: string }
}

/** @param isOurs whether mail for a domain comes back to the aliases */
export function aliasCircles(
  bytes: Uint8Array,
  qualifiers: Qualifiers,
  isOurs: (domain: string) => boolean,
): AliasFile {
  const nodes = new Map<string, Node>()
  for (const alias of readAliases(bytes, qualifiers)) {
    const { line } = alias
    if ('trouble' in alias) return { circles: [], trouble: { line, text: alias.trouble } }
    const key = lowerAscii(alias.target)
    const commands = alias.commands.split('\0').filter((each) => each.startsWith('&'))
    // Of two with one name the first counts.
    if (nodes.has(key)) continue
    nodes.set(key, { line, to: commands.map((each) => lowerAscii(each.slice(1))) })
  }
  const resolve = (address: string): string | undefined => {
    const at = address.lastIndexOf('@')
    const beside = isOurs(address.slice(at + 1))
      ? [address.slice(at), address.slice(0, at + 1)]
      : []
    return [address, ...beside].find((key) => nodes.has(key))
  }
  return { circles: circlesIn(nodes, resolve) }
}

interface Node {
  readonly line: number
  readonly to: readonly string[]
}

interface Step {
  readonly key: string
  readonly to: Iterator<string>
}

/** Each alias is gone through once, and no call is within another: a file may be as long as it likes. */
function circlesIn(
  nodes: ReadonlyMap<string, Node>,
  resolve: (address: string) => string | undefined,
): readonly AliasCircle[] {
  const circles: AliasCircle[] = []
  /** Where on the way an alias stands; -1 once it has been gone through. */
  const places = new Map<string, number>()
  for (const start of nodes.keys()) {
    const way: Step[] = []
    const enter = (key: string): void => {
      if (places.has(key)) return
      places.set(key, way.length)
      way.push({ key, to: (nodes.get(key)?.to ?? []).values() })
    }
    enter(start)
    for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
      const next = last.to.next()
      if (next.done === true) {
        places.set(last.key, -1)
        way.pop()
        continue
      }
      const key = resolve(next.value)
      const place = key === undefined ? undefined : places.get(key)
      if (place !== undefined && place >= 0) {
        circles.push(
          circleOf(
            way.slice(place).map((step) => step.key),
            nodes,
          ),
        )
      } else if (key !== undefined) enter(key)
    }
  }
  return circles
}

/** Begins with the alias that stands first in the file. */
function circleOf(keys: readonly string[], nodes: ReadonlyMap<string, Node>): AliasCircle {
  const lines = keys.map((key) => nodes.get(key)?.line ?? 0)
  const first = lines.reduce((least, line, at) => (line < (lines[least] ?? 0) ? at : least), 0)
  return { line: lines[first] ?? 0, names: [...keys.slice(first), ...keys.slice(0, first)] }
}
