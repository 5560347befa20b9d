/** Reading what apt says it would do, and refusing what it must never do on somebody's machine. */

/** What `apt-get -s install` announces. */
export interface Simulation {
  readonly installs: readonly string[]
  readonly removes: readonly string[]
}

/** Lines of `apt-get -s install`: `Inst swaks (20201014.0-2 Debian:12 [all])`, `Remv exim4 […]`. */
export function parseSimulation(output: string): Simulation {
  const named = (verb: string): readonly string[] =>
    [...output.matchAll(new RegExp(`^${verb} ([^ :]+)`, 'gm'))].flatMap(([, name]) => name ?? [])
  return { installs: named('Inst'), removes: named('Remv') }
}

/** Names under `Reverse Provides:` in `apt-cache showpkg NAME`: the packages that provide NAME. */
export function parseProviders(output: string): ReadonlySet<string> {
  const list = output.slice(output.indexOf('Reverse Provides:')).split('\n').slice(1)
  return new Set(list.flatMap((line) => line.split(' ')[0] || []))
}

/**
 * Why the installation must not be made: it would take a package away, or bring a mail server,
 * which would listen on port 25 and take over the machine's mail. Undefined when it may.
 */
export function objectionTo(
  { installs, removes }: Simulation,
  mailServers: ReadonlySet<string>,
): string | undefined {
  if (removes.length > 0) return `apt would remove ${removes.join(', ')}`
  const brought = installs.filter((name) => mailServers.has(name))
  return brought.length > 0 ? `apt would install a mail server: ${brought.join(', ')}` : undefined
}
