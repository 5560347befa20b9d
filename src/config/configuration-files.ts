import { dirname, isAbsolute, join, resolve } from 'node:path'
import { errorMessage, isPosternError } from '../mail/errors.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { OptionResources } from '../plugin/option.ts'
import { inState, usualState } from './state-folder.ts'

export interface ConfigurationSource {
  /** The folder, absolute. */
  readonly folder: string
  /** How messages name it: as the operator typed it. */
  readonly shownAs: string
  /** @throws PosternError NOT_FOUND, DISK_FAILED */
  readFile(path: string): Uint8Array
  readonly resources: OptionResources
}

/** The files of the folder, and the mistakes that reading them showed. */
export class ConfigurationFiles {
  readonly mistakes: Mistake[] = []
  readonly doubts: Mistake[] = []
  readonly #source: ConfigurationSource
  /** Those that are there, as far as anybody can say, and could not be read. */
  readonly #unread = new Set<string>()
  #state = usualState

  constructor(source: ConfigurationSource) {
    this.#source = source
  }

  /** @param state what `../var/` stands for from now on, here and where nothing is said */
  keepStateIn(state: string): void {
    this.#state = state
  }

  absolute(path: string): string {
    return resolve(this.#source.folder, inState(path, this.#state))
  }

  /** How a message names it. */
  shown(path: string): string {
    return isAbsolute(path) ? path : join(this.#source.shownAs, path)
  }

  /** The text of a file, as `read` gives its bytes. */
  readText(path: string): string | undefined {
    const bytes = this.read(path)
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
  }

  /** The bytes of a file, or undefined where there is none or it cannot be read (which is a mistake). */
  read(path: string): Uint8Array | undefined {
    try {
      return this.#source.readFile(this.absolute(path))
    } catch (error) {
      if (isPosternError(error, 'NOT_FOUND')) return undefined
      this.#unread.add(path)
      this.#tell(path, error)
      return undefined
    }
  }

  /** Whether reading it is among the mistakes already. */
  isUnread(path: string): boolean {
    return this.#unread.has(path)
  }

  /** Of a folder that is closed to us each file would say the same. */
  #tell(path: string, error: unknown): void {
    if (!isOfFolder(error)) {
      this.mistakes.push({ file: this.shown(path), ...toldOf(error) })
      return
    }
    const file = dirname(this.shown(path))
    const isTold = this.mistakes.some((told) => told.file === file && told.problem === closedFolder)
    const remedy = 'mend its permissions, or run this as the user whose folder it is'
    if (!isTold) this.mistakes.push({ file, problem: closedFolder, remedy })
  }
}

/** The problem of a file in what should be a folder. */
export const noFolder = 'lies in what is no folder'

/** The problem of a folder whose files this user cannot even see. */
export const closedFolder = 'is a folder that this user may not enter'

/** Whoever may not read a file may still ask what it is. */
function isOfFolder(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  const isDenied = cause instanceof Error && 'code' in cause && cause.code === 'EACCES'
  return isDenied && 'syscall' in cause && cause.syscall === 'stat'
}

/** What stands in the way of reading a file that is there. */
function toldOf(error: unknown): Pick<Mistake, 'problem' | 'remedy'> {
  const cause = error instanceof Error ? error.cause : undefined
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'EISDIR':
      return { problem: 'is a folder', remedy: 'put a file in its place' }
    case 'ENOTDIR':
      return { problem: noFolder, remedy: 'name the folder that postern.yaml is in' }
    default: {
      const problem = `cannot be read: ${errorMessage(error)}`
      return { problem, remedy: 'mend its permissions' }
    }
  }
}
