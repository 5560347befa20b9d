/** Makes system calls of a running process fail, or ends it at one, with strace. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { component } from '../setup/components.ts'

export interface Interference {
  readonly pid: number
  /** Only calls about these paths, which need not exist yet. */
  readonly paths: readonly string[]
  readonly calls: readonly string[]
  /** As strace writes it: `error=EIO:when=3`, `signal=KILL:when=1`; absent: only watched. */
  readonly inject?: string
  /** Where strace writes what it saw. */
  readonly log: string
}

export interface Attached {
  /** Lets go of the process. @returns the calls it has seen, one a line */
  stop(): Promise<readonly string[]>
}

/**
 * `when=` counts for each thread by itself: start the process with UV_THREADPOOL_SIZE=1.
 * @throws Error where the kernel does not let us trace
 */
export async function attach({ pid, paths, calls, inject, log }: Interference): Promise<Attached> {
  const strace = component('strace')
  if (strace === undefined) throw new Error('strace is not there')
  const child = spawn(
    strace.path,
    [
      '-f',
      `--output=${log}`,
      `--attach=${pid}`,
      `--trace=${calls.join(',')}`,
      ...paths.map((path) => `--trace-path=${path}`),
      ...(inject === undefined ? [] : [`--inject=${calls.join(',')}:${inject}`]),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const exited = once(child, 'exit')
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('attached')) resolve()
    })
    void exited.then(() => reject(new Error(`strace ended: ${said}`)))
  })
  return {
    async stop() {
      child.kill('SIGINT')
      await exited
      const seen = (await readFile(log, 'utf8')).split('\n')
      return seen.filter((line) => /^\d+ +\w+\(/.test(line) && !line.includes('resumed'))
    },
  }
}
