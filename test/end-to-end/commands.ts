/** A process that stays, for the commands of one test file: most of what a command costs is to load it. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Order } from './commands.worker.ts'

const program = new URL('./commands.worker.ts', import.meta.url)
const compiled = fileURLToPath(new URL('../../node_modules/.cache/compile', import.meta.url))

/** Those that ask, tell, and start nothing. */
const verbs = new Set(
  `admin alerts alias analog cdb chain check completion cont disable dkim doctor domain doqueue enable env flush
  greylist help import import-vpopmail list log mkauth pause quarantine queue relay reload replay replay-dialogue restart
  send shadow showctl stat stop test tls-report trace user why --help --manual --version`.split(
    /\s+/,
  ),
)

/** Whether it may run there. */
export function canBeAsked([verb = '']: readonly string[]): boolean {
  return verbs.has(verb)
}

export interface Answered {
  /** Null where it had to be ended. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export class Commands {
  readonly #patienceMs: number
  #child: ChildProcess | undefined
  #count = 0
  #busy = false

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** While it runs one command, the next has to be run elsewhere. */
  get isBusy(): boolean {
    return this.#busy
  }

  /** Runs `postern …` to its end. Ends with its process where that takes too long. */
  async run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Answered> {
    this.#busy = true
    const child = (this.#child ??= start())
    const order: Order = { number: ++this.#count, args, env }
    const { promise, resolve } = Promise.withResolvers<Answered>()
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#patienceMs)
    const heard = (answer: Answer): void => {
      if (answer.number === order.number) resolve(answer)
    }
    const ended = (): void => {
      this.#child = undefined
      resolve({ code: null, stdout: '', stderr: `postern ${args.join(' ')} did not end` })
    }
    child.on('message', heard).once('exit', ended)
    child.send(order)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      child.off('message', heard).off('exit', ended)
      this.#busy = false
    }
  }
}

/** It ends with us. */
function start(): ChildProcess {
  const child = fork(program, {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { NODE_COMPILE_CACHE: compiled, UV_THREADPOOL_SIZE: '24', ...process.env },
  })
  child.unref()
  child.channel?.unref()
  return child
}
