/** A program that is measured: it has come up when somebody listens, and ends by its own id. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

export interface RunningSystem {
  readonly name: string
  readonly port: number
  /** User and system time of its processes so far. */
  cpuSeconds(): number
  stop(): Promise<void>
}

export interface Program {
  readonly name: string
  readonly port: number
  readonly path: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface StartedProgram extends RunningSystem {
  readonly pid: number
  residentBytes(): number
}

export async function startedProgram({
  name,
  port,
  path,
  args,
  env = {},
}: Program): Promise<StartedProgram> {
  const child = spawn(path, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    await listening(port)
  } catch (error) {
    child.kill()
    throw error
  }
  const { pid } = child
  if (pid === undefined) throw new Error(`${path} did not start`)
  return {
    name,
    port,
    pid,
    cpuSeconds: () => cpuSeconds(pid),
    residentBytes: () => memoryBytes(pid, 'VmRSS'),
    async stop() {
      child.kill()
      await once(child, 'exit')
    },
  }
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens on ${port}`)
}

/** What the kernel keeps in memory of a process now (VmRSS), or kept at most (VmHWM). */
export function memoryBytes(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
}

export function sumOf(pids: readonly number[], figure: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + figure(pid), 0)
}

/** Of a process with all its threads, and of its children that are over: /proc counts in hundredths of a second. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / 100
}
