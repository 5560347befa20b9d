import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, readdirSync, readFileSync, type Stats } from 'node:fs'
import process from 'node:process'

/** As /proc has it, in octal (proc_pid_fdinfo(5)). */
const closedOnExec = 0o2000000
/** Beyond it nobody leaves one open by accident: the usual limit of a process. */
const mostDescriptors = 1024
const childMs = 10_000

/**
 * Closes what whoever started us has left open by accident, and what every process that we start would inherit. Node's own
 * descriptors are closed for them anyhow, and stay.
 * @param wanted beside the standard ones
 * @param proc where the system tells of us; where it does not, a process that we start says what it has inherited
 */
export function closeStrayDescriptors(wanted: ReadonlySet<number>, proc = '/proc/self'): void {
  for (const descriptor of inheritedByAll(proc) ?? inheritedByChild()) {
    if (descriptor > 2 && !wanted.has(descriptor)) closeSync(descriptor)
  }
}

function inheritedByAll(proc: string): readonly number[] | undefined {
  try {
    const open = readdirSync(`${proc}/fd`).map(Number)
    return open.filter((descriptor) => isInherited(proc, descriptor))
  } catch {
    return undefined
  }
}

function isInherited(proc: string, descriptor: number): boolean {
  try {
    const about = readFileSync(`${proc}/fdinfo/${descriptor}`, 'latin1')
    const flags = /^flags:\s+([0-7]+)$/m.exec(about)?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & closedOnExec) === 0
  } catch {
    // The one that the folder was read by.
    return false
  }
}

/**
 * What is the same open file here and in a process that we start has come down through both. What is no file at all (an epoll,
 * a timer) looks the same whoever has made it, and stays.
 */
function inheritedByChild(): readonly number[] {
  const script = `
    const { fstatSync } = require('node:fs')
    const each = ${identity.toString()}
    for (let at = 3; at < ${mostDescriptors}; at += 1) console.log(at + ' ' + each(at, fstatSync))
  `
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {},
    encoding: 'latin1',
    timeout: childMs,
  })
  return (stdout ?? '').split('\n').flatMap((line) => {
    const [descriptor = '', theirs = ''] = line.split(' ')
    return theirs !== '' && identity(Number(descriptor), fstatSync) === theirs
      ? [Number(descriptor)]
      : []
  })
}

/** Which file it is; empty for none. Runs in a process of its own, too: it may use nothing but what it is given. */
function identity(descriptor: number, stat: (descriptor: number) => Stats): string {
  try {
    const { dev, ino, mode } = stat(descriptor)
    return (mode & 0o170000) === 0 ? '' : `${dev}:${ino}`
  } catch {
    return ''
  }
}
