/**
 * The file of a database whose content is merely known: one that is damaged is set aside, and a new one begun in its place, so
 * that mail goes on. Used by the threads of databases only: every call blocks.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** So long one process waits for another that moves the same file away: that takes some system calls. */
const turnMs = 2_000
const lookAgainMs = 5

/** Not a database; a database whose inside is broken. */
const damageCodes = new Set([11, 26])
/** It may not be opened, or not be written to. */
const accessCodes = new Set([3, 8, 14, 23])
const besideIt = ['-wal', '-shm'] as const

export interface DatabaseFile {
  readonly path: string
  /** Of damaged files so many stay: a disk that breaks every file must not be filled with them. */
  readonly keeps: number
}

export interface OpenedDatabase<T> {
  readonly opened: T
  /** Which file it is, whatever becomes of its name. */
  readonly inode: number
  /** Where the file went that could not be read. */
  readonly damaged?: string
}

/**
 * @param open must close what it has opened where it throws
 * @returns the file, made where there is none; one that is damaged, or closed to us, is moved aside
 * @throws where even a new one cannot be opened, or the folder takes none: a full disk, a folder of others
 */
export function openOrReplace<T>(
  file: DatabaseFile,
  now: number,
  open: (path: string) => T,
): OpenedDatabase<T> {
  const { path } = file
  makeFile(path)
  const inode = inodeOf(path) ?? 0
  try {
    return { opened: open(path), inode }
  } catch (error) {
    if (!isDamage(error) && !isClosedToUs(error, path)) throw error
    const damaged = setAside(file, { inode, now })
    if (damaged === undefined) return openAnew(path, open)
    try {
      return { ...openAnew(path, open), damaged }
    } catch (failure) {
      // Nobody else will ever say where it went.
      throw new Error(`${String(failure)}; what lay there is ${damaged} now`, { cause: failure })
    }
  }
}

function openAnew<T>(path: string, open: (path: string) => T): OpenedDatabase<T> {
  makeFile(path)
  return { inode: inodeOf(path) ?? 0, opened: open(path) }
}

/**
 * Moves a damaged file away, and what SQLite wrote beside it. The first of them stay: they hold what was known for longest.
 * Where as many lie there as are to be kept, the youngest gives its place to this one.
 * @param inode of the file that is damaged
 * @returns its new name; undefined where another file has its place by now: another process was faster
 */
export function setAside(
  { path, keeps }: DatabaseFile,
  { inode, now }: { readonly inode: number; readonly now: number },
): string | undefined {
  const endTurn = takeTurn(path)
  try {
    if (inodeOf(path) !== inode) return undefined
    for (const name of damagedBeside(path).slice(keeps - 1)) {
      for (const suffix of ['', ...besideIt]) rmSync(name + suffix, { force: true })
    }
    const aside = `${path}.damaged-${now}`
    renameSync(path, aside)
    for (const suffix of besideIt) moveIfThere(path + suffix, aside + suffix)
    return aside
  } finally {
    endTurn()
  }
}

/**
 * One process at a time: between a look at the file and its move another one could have put a new file there, and that would be
 * moved away with what is in it. @returns ends the turn
 */
function takeTurn(path: string): () => void {
  const turn = `${path}.moving`
  for (let waitedMs = 0; ; waitedMs += lookAgainMs) {
    if (waitedMs >= turnMs) {
      // Whoever had it so long was killed in the middle.
      rmSync(turn, { force: true })
      waitedMs = 0
    }
    try {
      closeSync(openSync(turn, 'wx', 0o640))
      return () => rmSync(turn, { force: true })
    } catch (error) {
      // A full disk takes no new name: a damaged file is moved all the same.
      if (!isCode(error, 'EEXIST')) return () => {}
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookAgainMs)
  }
}

/** The files that were set aside, the oldest first. */
function damagedBeside(path: string): readonly string[] {
  const prefix = `${basename(path)}.damaged-`
  const when = (name: string): number => Number(name.slice(prefix.length))
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && Number.isInteger(when(name)))
    .toSorted((a, b) => when(a) - when(b))
    .map((name) => join(dirname(path), name))
}

/** @returns undefined where there is no such file */
export function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

/** Whether what is in the file cannot be relied on any more. */
export function isDamage(error: unknown): boolean {
  return damageCodes.has(errorKind(error))
}

/** SQLite's code for the kind of the error, 0 for what is none of its: the lowest byte, what stands above it says more. */
export function errorKind(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
}

/** Somebody took it from us: by a copy that was put back as root, say. Too many open files is another matter. */
function isClosedToUs(error: unknown, path: string): boolean {
  if (!accessCodes.has(errorKind(error))) return false
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return false
  } catch {
    return existsSync(path)
  }
}

/** Who wrote to whom is for the gateway's own eyes: SQLite gives what it writes beside it the same mode. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  if (existsSync(path)) return
  try {
    closeSync(openSync(path, 'wx', 0o640))
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
