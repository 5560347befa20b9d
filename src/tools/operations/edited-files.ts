/**
 * The configuration has one truth: its files. They are written by one way alone: tried first as `postern check` tries them,
 * refused where they changed since they were read, replaced as a whole, and noted with who and when. Files that hold secrets
 * are neither read nor written here.
 */
import { createHash } from 'node:crypto'
import { join, relative, resolve } from 'node:path'
import type { Author, ConfigurationOperations, PageRequest } from '../../admin/operations.ts'
import { found, Refusal } from '../../admin/refusal.ts'
import type { Check } from '../../admin/schemas/shapes.ts'
import type {
  Change,
  ConfigurationFile,
  ConfigurationFiles,
  FileChange,
  FileText,
  HistoryDetails,
  HistoryPage,
  Preview,
} from '../../admin/schemas/configuration.ts'
import { unifiedDiff } from '../../formats/unified-diff.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Disk } from '../../runtime/disk.ts'
import { editFile, realPath } from '../../runtime/node/edit-file.ts'
import { walkFiles } from '../../runtime/node/walk-files.ts'
import { checkConfiguration } from '../check-configuration.ts'
import type { EditHistory } from './edit-history.ts'
import { overlaidDisk } from './overlaid-disk.ts'

const depth = 4
const mostFiles = 1_000
const mostBytes = 1_000_000
/** Keys, passwords, and files that other programs make. */
const secret =
  /(?:^|[/._-])(?:secrets?|\w*passw\w*|private|keys?|pem|credentials?)(?:[/._-]|$)|\.key$|\.pem$|(?:^|\/)dkim\/|auth\.cdb|(?:^|\/)tls\//i
const made = /\.(?:cdb|db|db-wal|db-shm|new|tmp|sock)$|~$|(?:^|\/)\./i
/** Passwords may stand in it beside the relays (`relay user password`). */
const mayHoldPasswords = new Set(['control/smtproutes'])

export interface EditedFilesParts {
  /** The configuration folder. */
  readonly folder: string
  readonly disk: Disk
  readonly history: EditHistory
  /** Called after a file was written: whoever remembers its text must read it again. */
  readonly written: () => void
}

/** What else a change must pass, besides `check`. @throws Refusal */
export type FurtherTrial = (disk: Disk) => Promise<void>

export class EditedFiles implements ConfigurationOperations {
  readonly #parts: EditedFilesParts

  constructor(parts: EditedFilesParts) {
    this.#parts = parts
  }

  async files(): Promise<ConfigurationFiles> {
    const files: ConfigurationFile[] = []
    for await (const { names, modifiedAt } of walkFiles(resolve(this.#parts.folder), depth)) {
      if (files.length >= mostFiles) break
      const path = names.join('/')
      if (made.test(path)) continue
      const { sizeBytes } = await this.#parts.disk.stat(this.#absolute(path))
      const isSecret = secret.test(path)
      const editable = !isSecret && sizeBytes <= mostBytes && !mayHoldPasswords.has(path)
      files.push({ path, sizeBytes, modifiedAt, editable, secret: isSecret })
    }
    return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)) }
  }

  async read(path: string): Promise<FileText | undefined> {
    if (!isOpen(path)) return undefined
    const text = await this.#textOf(path)
    if (text === undefined) return undefined
    // With a password in it, it is nobody's to read here.
    if (mayHoldPasswords.has(path) && holdsPassword(text)) return undefined
    return { path, text, etag: etagOf(text) }
  }

  async preview(path: string, text: string): Promise<Preview> {
    this.#mustBeOpen(path)
    const before = (await this.#textOf(path)) ?? ''
    const check = await this.#try(path, text)
    const diff = unifiedDiff(before, text, path).text
    const sound = check.mistakes.length === 0
    return { path, etag: etagOf(before), changed: diff !== '', diff, check, sound }
  }

  async apply({ path, text, note }: FileChange, author: Author): Promise<Change> {
    return this.edit(path, () => text, author, note === undefined ? {} : { note })
  }

  /**
   * @param change from the text now to the text as it shall be
   * @throws Refusal 412 where the file is another than the author saw, 422 where it would have mistakes
   */
  async edit(
    path: string,
    change: (text: string) => string,
    author: Author,
    { note, trial }: { readonly note?: string; readonly trial?: FurtherTrial } = {},
  ): Promise<Change> {
    this.#mustBeOpen(path)
    const before = (await this.#textOf(path)) ?? ''
    checkSeen(before, author)
    const text = change(before)
    const check = await this.#try(path, text)
    if (check.mistakes.length > 0) {
      throw new Refusal('invalid', 'The configuration would have mistakes', {
        mistakes: check.mistakes,
      })
    }
    const absolute = this.#absolute(path)
    await trial?.(overlaidDisk(this.#parts.disk, absolute, Buffer.from(text)))
    const diff = unifiedDiff(before, text, path).text
    const done = { path, etag: etagOf(text), changed: text !== before, diff, check }
    if (text === before) return done
    // Noted first: after a crash there may be a note too many, never a change that nobody can take back.
    const id = await this.#record({ by: author.name, path, before, after: text, note })
    try {
      await editFile(absolute, (now) => {
        // Between the trial and here somebody else may have been faster.
        if (now !== before) throw new Refusal('changed-meanwhile')
        return text
      })
    } catch (error) {
      await this.#parts.history.forget(id)
      throw error
    }
    this.#parts.written()
    return { ...done, id }
  }

  /** A change that somebody else makes to a file of ours, noted as any other. */
  async noting<T>(path: string, author: Author, work: () => Promise<T>): Promise<T> {
    const before = (await this.#textOf(path)) ?? ''
    const result = await work()
    const after = (await this.#textOf(path)) ?? ''
    if (after !== before)
      await this.#record({ by: author.name, path, before, after, note: undefined })
    return result
  }

  history(query: PageRequest & { readonly path?: string }): Promise<HistoryPage> {
    return this.#parts.history.list(query)
  }

  historyItem(id: string): Promise<HistoryDetails | undefined> {
    return this.#parts.history.show(id)
  }

  async rollback(id: string, author: Author): Promise<Change> {
    const { path, before } = found(await this.#parts.history.find(id), `change ${id}`)
    return this.edit(path, () => before, author, { note: `back to before ${id}` })
  }

  async check(): Promise<Check> {
    const { mistakes, doubts } = await checkConfiguration(this.#parts.folder)
    return { mistakes, doubts }
  }

  async #try(path: string, text: string): Promise<Check> {
    const disk = overlaidDisk(this.#parts.disk, this.#absolute(path), Buffer.from(text))
    const { mistakes, doubts } = await checkConfiguration(this.#parts.folder, disk)
    return { mistakes, doubts }
  }

  async #record(edit: {
    readonly by: string
    readonly path: string
    readonly before: string
    readonly after: string
    readonly note: string | undefined
  }): Promise<string> {
    const { note, ...rest } = edit
    return this.#parts.history.record({ ...rest, ...(note === undefined ? {} : { note }) })
  }

  #absolute(path: string): string {
    return join(resolve(this.#parts.folder), path)
  }

  #mustBeOpen(path: string): void {
    if (!isOpen(path) || mayHoldPasswords.has(path)) {
      throw new Refusal('forbidden', `${path} is not changed from here`)
    }
  }

  /** A link may name what its own name does not tell. @throws Refusal 403 */
  async #mustLieHere(path: string): Promise<void> {
    const folder = await realPath(resolve(this.#parts.folder))
    const target = await realPath(this.#absolute(path))
    if (folder === undefined || target === undefined) return
    const below = relative(folder, target)
    if (!below.startsWith('..') && !secret.test(below)) return
    throw new Refusal('forbidden', `${path} leads to what is not shown here`)
  }

  async #textOf(path: string): Promise<string | undefined> {
    try {
      await this.#mustLieHere(path)
      const bytes = await this.#parts.disk.readFile(this.#absolute(path), mostBytes)
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch (error) {
      if (isPosternError(error, 'NOT_FOUND')) return undefined
      if (error instanceof TypeError) throw new Refusal('forbidden', `${path} is no text`)
      throw error
    }
  }
}

/** Inside the folder, by a plain path, and no secret. */
function isOpen(path: string): boolean {
  const plain = /^(?!\.)[\w.@%+-]+(?:\/(?!\.)[\w.@%+-]+){0,3}$/.test(path)
  return plain && !secret.test(path) && !made.test(path)
}

function holdsPassword(text: string): boolean {
  return text.split('\n').some((line) => line.trim().split(/\s+/).length > 1)
}

function checkSeen(text: string, { ifMatch }: Author): void {
  if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etagOf(text)) {
    throw new Refusal('changed-meanwhile')
  }
}

export function etagOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
