/**
 * The program of a process that runs one command of `postern` after the other, each as src/cli/main.ts runs it in a
 * process of its own: what it prints and its exit code are the answer.
 */
import process from 'node:process'
import { Readable, Writable } from 'node:stream'

export interface Order {
  readonly number: number
  readonly args: readonly string[]
  /** Variables that its environment has besides. */
  readonly env: NodeJS.ProcessEnv
}

export interface Answer {
  readonly number: number
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const main = new URL('../../src/cli/main.ts', import.meta.url)

/** Stands in for a standard stream during one command. */
class Printed extends Writable {
  readonly #chunks: Buffer[] = []

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}

function standIn(name: 'stdin' | 'stdout' | 'stderr', stream: Readable | Writable): void {
  Object.defineProperty(process, name, { get: () => stream, configurable: true })
}

async function run({ number, args, env }: Order): Promise<Answer> {
  const stdout = new Printed()
  const stderr = new Printed()
  standIn('stdin', Readable.from([]))
  standIn('stdout', stdout)
  standIn('stderr', stderr)
  process.argv = [process.execPath, main.pathname, ...args]
  process.exitCode = undefined
  const before = { ...process.env }
  Object.assign(process.env, env)
  try {
    // The file of the program runs it as it is evaluated; all that it imports is there already.
    await import(`${main.href}?${number}`)
  } catch (error) {
    // As Node ends a process with a bug.
    stderr.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`)
    process.exitCode = 1
  }
  for (const name of Object.keys(env)) {
    if (before[name] === undefined) delete process.env[name]
    else process.env[name] = before[name]
  }
  const code = Number(process.exitCode ?? 0)
  process.exitCode = undefined
  return { number, code, stdout: stdout.text, stderr: stderr.text }
}

process.on('message', (order: Order) => {
  void run(order).then((answer) => process.send?.(answer))
})
process.on('disconnect', () => process.exit(0))
