/** Turns an entry of the chain on or off in postern.yaml; before it turns one on, it tries whether the entry could work. */
import { join, resolve } from 'node:path'
import { configurationResources } from '../config/resources.ts'
import { withEntryMode, type EntryMode } from '../config/entry-mode.ts'
import type { Configuration } from '../config/configuration.ts'
import { errorsOnly } from '../config/log-section.ts'
import { errorMessage } from '../mail/errors.ts'
import { trustedLoader } from './trusted-loader.ts'
import { doubtsOfEntries } from '../filter/entry-doubts.ts'
import type { ChainDoors } from '../filter/entry-doors.ts'
import type { Generation } from '../filter/generation.ts'
import { nearest } from '../plugin/nearest.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { Doors } from '../runtime/doors.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { makeScratchFolder } from '../runtime/node/scratch-folder.ts'
import { loadChain } from './load-chain.ts'
import { offlineDoors } from './offline-doors.ts'
import { openDoors } from './open-doors.ts'
import { readFolder } from './read-offline.ts'

export type Switched =
  /** `found`: what the trial says of what it depends on. */
  | {
      readonly done: true
      readonly before: EntryMode
      readonly found?: string
      /** What the entry would have its operator know, as `postern check` tells it. */
      readonly doubts: readonly Mistake[]
      /** Lines of postern.yaml: what went, and what came in its place. */
      readonly changed: readonly ChangedLine[]
    }
  /** Nothing was changed. */
  | { readonly done: false; readonly mistakes: readonly Mistake[] }
  | { readonly done: false; readonly problem: string }

export interface SwitchRequest {
  /** Of the entry. */
  readonly name: string
  readonly mode: EntryMode
  /** Without trying whether it could work. */
  readonly untried?: boolean
  /** The mode that it must have now. */
  readonly from?: EntryMode
  /** Everything but the change itself. */
  readonly dryRun?: boolean
}

export interface ChangedLine {
  /** From 1; in the file as it was, or as it is. */
  readonly line: number
  readonly was?: string
  readonly is?: string
}

const probeMs = 15_000

/** @param folder the configuration folder. @throws PosternError DISK_FULL, DISK_FAILED, STORE_FAILED */
export async function switchEntry(
  folder: string,
  { name, mode, untried = false, from, dryRun = false }: SwitchRequest,
): Promise<Switched> {
  const { configuration, mistakes } = readFolder(folder)
  if (configuration === undefined) return { done: false, mistakes }
  const entry = configuration.chain.find((each) => each.name === name)
  if (entry === undefined) {
    const names = configuration.chain.map((each) => each.name)
    const meant = nearest(name, names)
    const hint = meant === undefined ? `add it: - plugin: ${name}` : `did you mean ${meant}?`
    return { done: false, problem: `the chain has no entry ${name}; ${hint}` }
  }
  if (from !== undefined && entry.mode !== from) {
    return { done: false, problem: `${name} is ${entry.mode}, not ${from}` }
  }
  const chain = configuration.chain.map((each) => (each === entry ? { ...each, mode } : each))
  const tried = await tryChain(
    folder,
    { ...configuration, chain },
    mode === 'off' || untried ? undefined : name,
  )
  if (mistakes.length + tried.mistakes.length > 0) {
    return { done: false, mistakes: [...mistakes, ...tried.mistakes] }
  }
  if (tried.problem !== undefined) return { done: false, problem: tried.problem }
  const path = join(resolve(folder), 'postern.yaml')
  const text = new TextDecoder().decode(await systemDisk.readFile(path))
  const after = withEntryMode(text, name, mode)
  if (after === undefined) throw new Error(`${path} changed meanwhile`)
  if (after !== text && !dryRun) await rewrite(path, after)
  return {
    done: true,
    before: entry.mode,
    doubts: tried.doubts ?? [],
    changed: changedLines(text, after),
    ...(tried.found === undefined ? {} : { found: tried.found }),
  }
}

interface Tried {
  readonly mistakes: readonly Mistake[]
  readonly problem?: string
  readonly found?: string
  readonly doubts?: readonly Mistake[]
}

/** @param probed the entry that is to show that it could work */
export async function tryChain(
  folder: string,
  configuration: Configuration,
  probed: string | undefined,
): Promise<Tried> {
  const opened = await doorsFor(configuration, probed)
  const { doors } = opened
  const resources = configurationResources(resolve(folder), doors)
  const loader = trustedLoader(configuration)
  try {
    const { generation, mistakes } = await loadChain({ configuration, loader, doors, resources })
    if (generation === undefined || probed === undefined) return { mistakes }
    const tried = await probe(generation, probed)
    if (tried.problem !== undefined) return { mistakes, ...tried }
    const written = configuration.chain.filter(({ name }) => name === probed)
    return { mistakes, ...tried, doubts: await doubtsOfEntries(generation, written) }
  } finally {
    resources.close()
    loader.close()
    await opened.close()
  }
}

/**
 * Only who tries an entry needs its store, its DNS and its threads; who reads a chain does not. The store is one of its own:
 * root may try what the gateway does under another account, whose folders have nothing of root's in them.
 */
async function doorsFor(
  configuration: Configuration,
  probed: string | undefined,
): Promise<{ readonly doors: ChainDoors & Pick<Doors, 'disk'>; close(): Promise<void> }> {
  if (probed === undefined) {
    return { doors: { ...offlineDoors(), disk: systemDisk }, close: () => Promise.resolve() }
  }
  const scratch = await makeScratchFolder()
  const store = { path: join(scratch.path, 'store.db') }
  const traces = { ...configuration.traces, path: join(scratch.path, 'traces.db') }
  const opened = await openDoors({ ...configuration, store, traces, log: errorsOnly })
  return {
    doors: opened.doors,
    async close() {
      await opened.close()
      await scratch.remove()
    },
  }
}

/** @returns why the entry could not do its work, or what it found where it could */
async function probe({ entries }: Generation, name: string): Promise<Omit<Tried, 'mistakes'>> {
  const instance = entries.find((entry) => entry.name === name)?.instance
  if (instance === undefined) return {}
  const controller = new AbortController()
  const late = Promise.withResolvers<never>()
  const timer = systemClock.after(probeMs, () => {
    controller.abort()
    late.reject(new Error(`it does not answer within ${probeMs / 1000} seconds`))
  })
  const work = async (): Promise<string | undefined> => {
    if (instance.probe !== undefined) return instance.probe(controller.signal)
    await instance.open?.()
    await instance.close?.()
    return undefined
  }
  try {
    const found = await Promise.race([work(), late.promise])
    return found === undefined ? {} : { found }
  } catch (error) {
    const why = errorMessage(error)
    return { problem: `${name} could not do its work: ${why}` }
  } finally {
    timer.cancel()
  }
}

/** In place: the file keeps its owner and its mode. A gateway that reads half of it keeps what is in force. */
async function rewrite(path: string, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  const file = await systemDisk.open(path, 'write')
  try {
    await file.write([bytes], 0)
    await file.truncate(bytes.length)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** One place of the file changes: what stands between the lines that both have. */
function changedLines(before: string, after: string): readonly ChangedLine[] {
  const was = before.split('\n')
  const is = after.split('\n')
  let start = 0
  while (start < was.length && was[start] === is[start]) start++
  let end = 0
  while (
    end < Math.min(was.length, is.length) - start &&
    was[was.length - 1 - end] === is[is.length - 1 - end]
  ) {
    end++
  }
  return [
    ...was.slice(start, was.length - end).map((line, at) => ({ line: start + at + 1, was: line })),
    ...is.slice(start, is.length - end).map((line, at) => ({ line: start + at + 1, is: line })),
  ]
}
