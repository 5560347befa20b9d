/** A program of others in the foreground, in a folder of its own, stopped by its own pid. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Daemon {
  readonly pid: number
  /** What it printed. */
  output(): string
  stop(): Promise<void>
}

export interface DaemonCall {
  readonly path: string
  readonly args: readonly string[]
  /** Where it can be spoken to once it is up. */
  readonly listensOn: { readonly port: number } | { readonly path: string }
  /** Milliseconds that it may take to come up. */
  readonly within?: number
}

/** A folder that the unprivileged user of a daemon may enter; `remove` it in the end. */
export async function daemonFolder(
  name: string,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `postern-${name}-`))
  await chmod(path, 0o777)
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/** @throws Error with what it printed, where it ends instead of coming up */
export async function startDaemon({
  path,
  args,
  listensOn,
  within = 30_000,
}: DaemonCall): Promise<Daemon> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' })
  let output = ''
  const keep = (chunk: Buffer): void =>
    void (output = `${output}${chunk.toString()}`.slice(-20_000))
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let gone = false
  const exited = once(child, 'exit').then(() => (gone = true))
  const deadline = Date.now() + within
  while (!(await answers(listensOn))) {
    if (gone || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${path} ${args.join(' ')} did not come up:\n${output}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async stop() {
      const last = setTimeout(() => child.kill('SIGKILL'), 10_000)
      child.kill('SIGTERM')
      await exited
      clearTimeout(last)
    },
  }
}

async function answers(where: DaemonCall['listensOn']): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', ...where })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
