import { closeSync, readdirSync, readFileSync } from 'node:fs'

/** As /proc has it, in octal (proc_pid_fdinfo(5)). */
const closedOnExec = 0o2000000

/**
 * Closes what whoever started us has left open by accident, and what every process that we start would inherit. Node's own
 * descriptors are closed for them anyhow, and stay. Where the system has no /proc nothing is done.
 * @param wanted beside the standard ones
 */
export function closeStrayDescriptors(wanted: ReadonlySet<number>): void {
  for (const descriptor of descriptors()) {
    if (descriptor > 2 && !wanted.has(descriptor) && isInherited(descriptor)) closeSync(descriptor)
  }
}

function descriptors(): readonly number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number)
  } catch {
    return []
  }
}

function isInherited(descriptor: number): boolean {
  try {
    const about = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1')
    const flags = /^flags:\s+([0-7]+)$/m.exec(about)?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & closedOnExec) === 0
  } catch {
    // The one that the folder was read by.
    return false
  }
}
