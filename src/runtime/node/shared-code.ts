/**
 * What Node has compiled of one program of ours, kept by us (root) for processes of others: they start several times sooner and
 * smaller. Node keeps a folder for each user; theirs is a link to ours, which nobody else can write, since what is compiled
 * there is run. It is made anew with each start of ours, beside the first process that asks, and when it has gone: temporary
 * files that nobody used for days are removed, and anybody may make a folder of that name then. Without it nothing is missing
 * but time. It goes when we end; that of one who was killed goes when the next one makes its own.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Clock } from '../clock.ts'
import type { Programs } from '../programs.ts'
import { exchangeableByOthersThanRoot, ownerOf, writableByOthersThanRoot } from './root-owned.ts'

export interface SharedCodeParts {
  readonly programs: Pick<Programs, 'run'>
  readonly clock: Pick<Clock, 'after'>
  /** Ends by itself where its standard input is empty. */
  readonly command: readonly [string, ...string[]]
}

interface Made {
  readonly folder: string
  /** Of Node's own making, within it. */
  readonly ours: string
}

/** The process that made it follows. */
const namesBegin = 'postern-code-'

/** Then it is not worth waiting for. */
const longestMs = 60_000

export class SharedCode {
  readonly #parts: SharedCodeParts
  readonly #ownId = `-${process.getuid?.()}`
  #making: Promise<void> | undefined
  #folder: string | undefined
  #made: Made | undefined

  constructor(parts: SharedCodeParts) {
    this.#parts = parts
  }

  /** What a process of this user's is to be started with; nothing until the code is there. */
  variablesFor(uid: number): ReadonlyMap<string, string> {
    if (this.#made !== undefined && !isRoots(this.#made)) this.#forget()
    void this.ready()
    if (this.#made === undefined) return new Map()
    const { folder, ours } = this.#made
    try {
      symlinkSync(ours, join(folder, ours.slice(0, -this.#ownId.length) + `-${uid}`))
    } catch {
      // It is there already, or it will do without.
    }
    return new Map([['NODE_COMPILE_CACHE', folder]])
  }

  /** Settles once the code is there, or will not be. */
  ready(): Promise<void> {
    this.#making ??= this.#make().catch(() => this.close())
    return this.#making
  }

  /** It is gone for whoever starts from now on. */
  close(): void {
    this.#made = undefined
    if (this.#folder === undefined || ownerOf(this.#folder).uid !== process.getuid?.()) return
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #forget(): void {
    this.#made = undefined
    this.#folder = undefined
    this.#making = undefined
  }

  async #make(): Promise<void> {
    const { programs, clock, command } = this.#parts
    removeLeftovers()
    const folder = mkdtempSync(join(tmpdir(), `${namesBegin}${process.pid}-`))
    this.#folder = folder
    process.once('exit', () => this.close())
    const late = new AbortController()
    const timer = clock.after(longestMs, () => late.abort())
    try {
      const environment = new Map([['NODE_COMPILE_CACHE', folder]])
      await programs.run({ command, environment }, late.signal)
    } finally {
      timer.cancel()
    }
    const ours = readdirSync(folder).find((name) => name.endsWith(this.#ownId))
    if (ours === undefined || exchangeableByOthersThanRoot(folder) !== undefined)
      return this.close()
    const inside = join(folder, ours)
    for (const name of readdirSync(inside)) chmodSync(join(inside, name), 0o644)
    chmodSync(inside, 0o711)
    chmodSync(folder, 0o711)
    this.#made = { folder, ours }
  }
}

/** A process that merely has the number of one that was killed keeps its folder for as long as it runs. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(namesBegin)) continue
    const pid = Number(/^(\d+)-/.exec(name.slice(namesBegin.length))?.[1] ?? Number.NaN)
    const path = join(tmpdir(), name)
    if (isRunning(pid) || writableByOthersThanRoot(path) !== undefined) continue
    rmSync(path, { recursive: true, force: true })
  }
}

/** What is no number of a process is left alone, too. */
function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return true
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** It is there, and whoever is not root can neither write nor exchange it. */
function isRoots({ folder, ours }: Made): boolean {
  return writableByOthersThanRoot(join(folder, ours)) === undefined
}
