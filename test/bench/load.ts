import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { PostfixTool } from '../setup/components.ts'

export interface Load {
  readonly name: string
  readonly sessions: number
  readonly sizeBytes: number
  readonly messages: number
  /** Many messages per connection. */
  readonly keep: boolean
  readonly to?: string
  /** Of each message; then numbers stand before the address, but for one. */
  readonly recipients?: number
}

export interface Generator extends PostfixTool {
  /** When the part that it works for has had its time. */
  readonly signal: AbortSignal
}

/** Sends the load. @throws Error when the time is over. @returns the seconds it took, by the wall clock */
export async function runLoad(generator: Generator, port: number, load: Load): Promise<number> {
  const args = [
    ...(load.keep ? ['-d'] : []),
    '-s',
    String(load.sessions),
    '-m',
    String(load.messages),
    '-l',
    String(load.sizeBytes),
    '-f',
    'bench@client.test',
    '-t',
    load.to ?? 'bench@postern.test',
    ...(load.recipients === undefined ? [] : ['-r', String(load.recipients)]),
    `127.0.0.1:${port}`,
  ]
  const before = performance.now()
  const child = spawn(generator.path, args, {
    env: { ...process.env, ...generator.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const stop = (): void => void child.kill()
  generator.signal.addEventListener('abort', stop, { once: true })
  if (generator.signal.aborted) stop()
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  generator.signal.removeEventListener('abort', stop)
  generator.signal.throwIfAborted()
  if (code !== 0) throw new Error(`smtp-source ended with ${code}: ${said}`)
  return (performance.now() - before) / 1000
}
