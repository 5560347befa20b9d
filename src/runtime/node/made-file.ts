/**
 * Files as programs of the qmail world make them: written beside, synced, and renamed over the old one, so that whoever
 * reads never sees half a file. Others may read them; the umask decides. Failures are told apart by the step at which they came.
 */
import fs from 'node:fs'
import { errorMessage } from '../../mail/errors.ts'

export type MakingStep = 'create' | 'write' | 'move'

/** @throws MakingFailed, and nothing else */
export class MadeFile {
  readonly #temporary: string
  readonly #descriptor: number

  /** Makes the temporary file, or empties one that is there. */
  constructor(temporary: string) {
    this.#temporary = temporary
    this.#descriptor = step('create', () => fs.openSync(temporary, 'w', 0o644))
  }

  /** Puts all of it in its place at once. */
  finish(path: string, bytes: Uint8Array): void {
    step('write', () => {
      fs.writeFileSync(this.#descriptor, bytes)
      fs.fsyncSync(this.#descriptor)
      fs.closeSync(this.#descriptor)
    })
    step('move', () => fs.renameSync(this.#temporary, path))
  }

  /** Leaves the temporary file where it is, as those programs do. */
  abandon(): void {
    fs.closeSync(this.#descriptor)
  }
}

export class MakingFailed extends Error {
  override readonly name = 'MakingFailed'
  readonly step: MakingStep
  /** `ENOENT`. */
  readonly errno: string

  constructor(at: MakingStep, error: unknown) {
    super(errorMessage(error), { cause: error })
    this.step = at
    this.errno = errnoOf(error)
  }
}

function step<T>(at: MakingStep, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new MakingFailed(at, error)
  }
}

/** The name of a system error, looked for in an error and its causes. */
export function errnoOf(error: unknown): string {
  for (
    let each = error, depth = 0;
    each instanceof Error && depth < 5;
    each = each.cause, depth++
  ) {
    if ('code' in each && typeof each.code === 'string' && /^E[A-Z0-9]+$/.test(each.code)) {
      return each.code
    }
  }
  return 'EIO'
}
