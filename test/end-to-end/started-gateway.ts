/** A gateway as an operator starts it: a process of its own, on a configuration folder of its own, on a free port. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canBeAsked, Commands } from './commands.ts'

export const checkout = fileURLToPath(new URL('../..', import.meta.url))
export const postern = join(checkout, 'bin/postern')
/** How long anything is waited for: shorter than a test may take, so that a failure says what did not come. */
const patienceMs = 45_000
const isRoot = process.getuid?.() === 0

export interface GatewayFolder {
  /** Holds `config/` and `var/`. */
  readonly root: string
  readonly config: string
  write(path: string, text: string): Promise<void>
  read(path: string): Promise<string>
  remove(): Promise<void>
}

/** The sample configuration in a temporary folder, listening on a port that the system chooses. */
export async function gatewayFolder(yaml?: string): Promise<GatewayFolder> {
  const root = await mkdtemp(join(tmpdir(), 'postern-'))
  const config = join(root, 'config')
  await cp(join(checkout, 'config'), config, { recursive: true })
  const sample = await readFile(join(config, 'postern.yaml'), 'utf8')
  await writeFile(join(config, 'postern.yaml'), onFreePort(yaml ?? sample))
  return {
    root,
    config,
    async write(path, text) {
      await mkdir(join(config, path, '..'), { recursive: true })
      await writeFile(join(config, path), text)
    },
    read: (path) => readFile(resolve(config, path), 'utf8'),
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** Puts the second text in place of the first in postern.yaml, of each pair. */
export async function change(
  folder: GatewayFolder,
  ...changes: readonly (readonly [string, string])[]
): Promise<void> {
  const before = await folder.read('postern.yaml')
  const after = changes.reduce((text, [from, to]) => text.replace(from, to), before)
  await folder.write('postern.yaml', after)
}

/** Root works as root here where nothing else is said: what it does otherwise has tests of its own (privileges.test.ts). */
function asRoot(yaml: string): string {
  return !isRoot || /^user:/m.test(yaml) ? yaml : `${yaml.trimEnd()}\nuser: root\n`
}

/** Plugins come from the checkout, the port from the system; one worker, and no administration, where nothing else is asked for. */
export function onFreePort(yaml: string): string {
  const whole = /^admin:/m.test(yaml) ? yaml : `${yaml.trimEnd()}\nadmin: off\n`
  return asRoot(whole)
    .replace(/^workers: auto .*\n/m, '')
    .replaceAll('127.0.0.1:2525', '127.0.0.1:0')
    .replaceAll('../plugins', join(checkout, 'plugins'))
}

export interface StartedGateway {
  /** Of the first listener. */
  readonly port: number
  /** Of the one of that name. */
  portOf(listener: string): number
  readonly pid: number
  readonly folder: GatewayFolder
  /** What it printed so far. */
  stdout(): string
  stderr(): string
  /** Resolves once the text appears in what it prints or logs, so many times; rejects when it does not come. */
  seen(text: string, times?: number): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Resolves with the exit code (or the signal) once it is gone. */
  exited(): Promise<number | NodeJS.Signals>
  /** Resolves once it is gone and all that it said is there. */
  stop(): Promise<number | NodeJS.Signals>
}

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The commands of this test file. */
const commands = new Commands(60_000)

/**
 * Runs `postern …` to its end: most commands in a process that stays for all of a test file. Where the process itself is
 * the point, `runProgram(postern, …)` starts one.
 */
export async function runPostern(
  args: readonly string[],
  input?: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Run> {
  if (input === undefined && canBeAsked(args) && !commands.isBusy) {
    const { code, stdout, stderr } = await commands.run(args, env)
    return { code, stdout, stderr }
  }
  return runProgram(postern, args, { env, ...(input === undefined ? {} : { input }) })
}

/** Runs any program to its end, bounded to 60 seconds. */
export async function runProgram(
  path: string,
  args: readonly string[],
  options: {
    readonly input?: string
    readonly env?: NodeJS.ProcessEnv
    readonly cwd?: string
  } = {},
): Promise<Run> {
  const child = spawn(path, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 60_000,
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const output = collect(child)
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: output.stdout(), stderr: output.stderr() }
}

function collect(child: ChildProcess): {
  stdout(): string
  stderr(): string
  onText(callback: () => void): void
} {
  let stdout = ''
  let stderr = ''
  const watchers: (() => void)[] = []
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const watcher of watchers) watcher()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const watcher of watchers) watcher()
  })
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    onText: (callback) => void watchers.push(callback),
  }
}

/**
 * Starts `postern start` and waits until it listens.
 * @param options.through a program with arguments that execs what follows them: prlimit, for instance
 * @param options.program in place of the checkout's bin/postern
 */
export async function startGateway(
  folder: GatewayFolder,
  options: {
    readonly env?: NodeJS.ProcessEnv
    readonly through?: readonly string[]
    readonly program?: string
  } = {},
): Promise<StartedGateway> {
  const { through = [], program = postern } = options
  if (isRoot) await folder.write('postern.yaml', asRoot(await folder.read('postern.yaml')))
  const line = [...through, program, 'start', '--config', folder.config]
  const child = spawn(line[0] ?? program, line.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  const output = collect(child)
  const exit = once(child, 'exit').then(
    ([code, signal]) => (code ?? signal) as number | NodeJS.Signals,
  )
  // What it wrote last comes after its end.
  const saidAll = once(child, 'close')
  const seen = (text: string, times = 1): Promise<void> =>
    new Promise((resolve, reject) => {
      const giveUp = (what: string): void => {
        clearTimeout(timer)
        const said = `${output.stdout()}${output.stderr()}`
        reject(new Error(`the gateway ${what} '${text}':\n${said}`))
      }
      const timer = setTimeout(() => giveUp(`did not say in ${patienceMs} ms`), patienceMs)
      const look = (): void => {
        if (`${output.stdout()}${output.stderr()}`.split(text).length <= times) return
        clearTimeout(timer)
        resolve()
      }
      output.onText(look)
      look()
      void exit.then((code) => giveUp(`ended (${code}) before it said`))
    })
  try {
    await seen('ready; send a test message')
  } catch (error) {
    // Nobody else can end it.
    child.kill('SIGTERM')
    throw error
  }
  const port = Number(/listening on 127\.0\.0\.1:(\d+)/.exec(output.stdout())?.[1])
  if (child.pid === undefined || Number.isNaN(port))
    throw new Error(`no port in: ${output.stdout()}`)
  return {
    port,
    portOf: (listener) =>
      Number(new RegExp(`127\\.0\\.0\\.1:(\\d+) \\(${listener}\\)`).exec(output.stdout())?.[1]),
    pid: child.pid,
    folder,
    stdout: () => output.stdout(),
    stderr: () => output.stderr(),
    seen,
    signal: (signal) => void child.kill(signal),
    exited: () => exit,
    async stop() {
      child.kill('SIGTERM')
      await saidAll
      return exit
    },
  }
}

/** The messages that lie in a Maildir's `new/`, whole. */
export async function mailIn(
  folder: GatewayFolder,
  domain: string,
  localPart: string,
): Promise<string[]> {
  const path = join(folder.root, 'var/mail', domain, localPart, 'new')
  const names = await readdir(path).catch((): string[] => [])
  return Promise.all(names.toSorted().map((name) => readFile(join(path, name), 'latin1')))
}

/** Looks again and again, with a deadline, until `probe` answers something. */
export async function eventually<T>(probe: () => Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`never came: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Asks `postern …` until it says so: what came of a message is written down a moment after it is there. */
export async function printed(args: readonly string[], wanted: string | RegExp): Promise<string> {
  return eventually(
    async () => {
      const { stdout } = await runPostern(args)
      const isThere = typeof wanted === 'string' ? stdout.includes(wanted) : wanted.test(stdout)
      return isThere ? stdout : undefined
    },
    `${String(wanted)} from postern ${args.join(' ')}`,
  )
}

/** Waits for the given number of messages in a Maildir. */
export async function delivered(
  folder: GatewayFolder,
  [localPart, domain]: readonly [string, string],
  count = 1,
): Promise<string[]> {
  return eventually(async () => {
    const mail = await mailIn(folder, domain, localPart)
    return mail.length >= count ? mail : undefined
  }, `${count} messages for ${localPart}@${domain}`)
}

/**
 * One SMTP session, line by line: sends each command, collects each whole reply.
 * @param before called before each command is sent, with it; may wait for something else to happen first
 * @param localAddress where the client is, of 127.0.0.0/8
 */
export async function dialogue(
  port: number,
  commands: readonly string[],
  before: (command: string) => Promise<void> | void = () => undefined,
  localAddress = '127.0.0.1',
): Promise<string[]> {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).setEncoding('latin1')
  const replies: string[] = []
  let buffer = ''
  const lines = [...commands]
  const say = async (line: string): Promise<void> => {
    await before(line)
    socket.write(`${line}\r\n`, 'latin1')
  }
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('data', (text) => {
    buffer += String(text)
    for (let end = replyEnd(buffer); end > 0; end = replyEnd(buffer)) {
      replies.push(buffer.slice(0, end).trimEnd())
      buffer = buffer.slice(end)
      const next = lines.shift()
      if (next === undefined) socket.end()
      else void say(next)
    }
  })
  await closed
  return replies
}

/** Sends a message in a session of its own. @returns the reply to it, or the last one that came */
export async function sendMessage(
  port: number,
  subject: string,
  recipient = 'bob@postern.test',
): Promise<string> {
  const replies = await dialogue(port, [
    'EHLO c',
    'MAIL FROM:<a@client.test>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    `Subject: ${subject}\r\n\r\nhello\r\n.`,
    'QUIT',
  ])
  return replies[5] ?? replies.at(-1) ?? 'nothing'
}

function replyEnd(text: string): number {
  const match = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(text)
  return match === null ? -1 : match[0].length
}
