/**
 * The configuration has one truth: its files. They are written by one way alone: tried first as `postern check` tries them,
 * refused where they changed since they were read, replaced as a whole, and noted with who and when. Files that hold secrets
 * are neither read nor written here; a secret in another file is shown as a mask, and the mask comes back for the secret.
 */
import { createHmac } from 'node:crypto'
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
import { MaskedText } from '../../config/masked-text.ts'
import type { KnownPlugins } from '../../config/secret-values.ts'
import { unifiedDiff } from '../../formats/unified-diff.ts'
import { withoutSecrets } from '../../formats/secret-text.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Disk } from '../../runtime/disk.ts'
import { editFile, realPath } from '../../runtime/node/edit-file.ts'
import { walkFiles } from '../../runtime/node/walk-files.ts'
import { checkConfiguration } from '../check-configuration.ts'
import type { EditHistory } from './edit-history.ts'
import { overlaidDisk } from './overlaid-disk.ts'
import { refusedWrite } from './refused-write.ts'

const postern = 'postern.yaml'
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
  /** Of the marks of texts: it stays the same, so that a page which lies open over a restart can still save. */
  readonly key: () => Promise<Uint8Array>
  /** What the plugins that these texts of postern.yaml name take: it tells what is secret. */
  readonly plugins: (texts: readonly string[]) => Promise<KnownPlugins>
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
    const [masked] = await this.#masked(path, [text])
    return { path, text: masked?.shown() ?? '', etag: await this.etagOf(text) }
  }

  /** @param given may have masks in it. @throws Refusal 422 for a mask that hides nothing */
  async preview(path: string, given: string): Promise<Preview> {
    this.#mustBeOpen(path)
    const before = (await this.#textOf(path)) ?? ''
    const text = await this.#meant(path, before, given)
    const check = await this.#try(path, text)
    const diff = await this.diff(path, before, text)
    const sound = check.mistakes.length === 0
    const etag = await this.etagOf(before)
    return { path, etag, changed: text !== before, diff, check, sound }
  }

  async apply({ path, text, note }: FileChange, author: Author): Promise<Change> {
    return this.edit(path, () => text, author, note === undefined ? {} : { note })
  }

  /**
   * @param change from the text now to the text as it shall be; masks in it stand for the secrets of now
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
    await this.#mustBeSeen(before, author)
    const text = await this.#meant(path, before, change(before))
    const check = await this.#try(path, text)
    if (check.mistakes.length > 0) {
      throw new Refusal('invalid', 'The configuration would have mistakes', {
        mistakes: check.mistakes,
      })
    }
    const absolute = this.#absolute(path)
    await trial?.(overlaidDisk(this.#parts.disk, absolute, Buffer.from(text)))
    const diff = await this.diff(path, before, text)
    const done = {
      path,
      etag: await this.etagOf(text),
      changed: text !== before,
      diff,
      check,
    }
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
      throw refusedWrite(error)
    }
    this.#parts.written()
    return { ...done, id }
  }

  /** A change that somebody else makes to a file of ours, noted as any other. */
  noting<T>(path: string, author: Author, work: () => Promise<T>): Promise<T> {
    return this.notingAll([path], author, work)
  }

  /** Likewise to several. Those in which passwords may stand have no history. */
  async notingAll<T>(paths: readonly string[], author: Author, work: () => Promise<T>): Promise<T> {
    const open = paths.filter((path) => this.shows(path))
    const texts = () => Promise.all(open.map(async (path) => (await this.#textOf(path)) ?? ''))
    const before = await texts()
    const result = await work().catch((error: unknown) => {
      throw refusedWrite(error)
    })
    const after = await texts()
    for (const [index, path] of open.entries()) {
      const [was, is] = [before[index] ?? '', after[index] ?? '']
      // oxlint-disable-next-line no-await-in-loop -- in their order
      if (is !== was) await this.#record({ by: author.name, path, before: was, after: is })
    }
    this.#parts.written()
    return result
  }

  /** Whether its text may be seen, whatever stands in it now. */
  shows(path: string): boolean {
    return isOpen(path) && !mayHoldPasswords.has(path)
  }

  /** Another one for each text, and nothing that a secret in it could be guessed by. */
  async etagOf(text: string): Promise<string> {
    const key = await this.#parts.key()
    return createHmac('sha256', key).update(text).digest('base64url').slice(0, 22)
  }

  /** @throws Refusal 412 */
  async #mustBeSeen(text: string, { ifMatch }: Author): Promise<void> {
    if (ifMatch === undefined || ifMatch === '*' || ifMatch === (await this.etagOf(text))) return
    throw new Refusal('changed-meanwhile')
  }

  history(query: PageRequest & { readonly path?: string }): Promise<HistoryPage> {
    return this.#parts.history.list(query)
  }

  async historyItem(id: string): Promise<HistoryDetails | undefined> {
    const { history } = this.#parts
    const [item, edit] = await Promise.all([history.show(id), history.find(id)])
    if (item === undefined || edit === undefined) return undefined
    // Noted when such files were still shown, or by hand.
    if (!isOpen(edit.path) || mayHoldPasswords.has(edit.path)) return undefined
    return { ...item, diff: await this.diff(edit.path, edit.before, edit.after) }
  }

  async rollback(id: string, author: Author): Promise<Change> {
    const { path, before } = found(await this.#parts.history.find(id), `change ${id}`)
    return this.edit(path, () => before, author, { note: `back to before ${id}` })
  }

  async check(): Promise<Check> {
    return checkView(await checkConfiguration(this.#parts.folder))
  }

  async #try(path: string, text: string): Promise<Check> {
    const disk = overlaidDisk(this.#parts.disk, this.#absolute(path), Buffer.from(text))
    return checkView(await checkConfiguration(this.#parts.folder, disk))
  }

  /** Texts of one file as people see them. */
  async #masked(path: string, texts: readonly string[]): Promise<readonly MaskedText[]> {
    const known = path === postern ? await this.#parts.plugins(texts) : undefined
    return texts.map((text) => new MaskedText(text, known))
  }

  /** @throws Refusal 422 */
  async #meant(path: string, before: string, given: string): Promise<string> {
    const [was, is] = await this.#masked(path, [before, given])
    if (was === undefined || is === undefined) return given
    const meant = is.meant(was)
    if ('text' in meant) return meant.text
    const problem = 'has *** where a secret belongs, and the file has none for it'
    throw new Refusal('invalid', 'The configuration would have mistakes', {
      mistakes: [{ file: path, line: meant.line, problem, remedy: 'write the secret itself' }],
    })
  }

  /** As people see it: without secrets; empty where the file is not shown. */
  async diff(path: string, before: string, after: string): Promise<string> {
    if (!this.shows(path)) return ''
    const [was, is] = await this.#masked(path, [before, after])
    return unifiedDiff(was?.shown() ?? '', is?.shown(was) ?? '', path).text
  }

  async #record(edit: {
    readonly by: string
    readonly path: string
    readonly before: string
    readonly after: string
    readonly note?: string | undefined
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

/** What is wrong repeats what is written. */
export function checkView({ mistakes, doubts }: Pick<Check, 'mistakes' | 'doubts'>): Check {
  return { mistakes: mistakes.map(withoutItsSecrets), doubts: doubts.map(withoutItsSecrets) }
}

function withoutItsSecrets<M extends { readonly problem: string }>(mistake: M): M {
  return { ...mistake, problem: withoutSecrets(mistake.problem) }
}
