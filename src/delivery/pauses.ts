/**
 * What an operator wants no deliveries for, for the time being: everything, some domains, routes, senders, recipients. It outlives a
 * restart in a small file, which is replaced as a whole.
 */
import type { Mailbox } from '../mail/address.ts'
import { asciiDomain } from '../mail/domain.ts'
import type { ReversePath } from '../mail/envelope.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import { parseJson, type JsonValue } from '../mail/json.ts'
import { PathPatterns } from '../mail/path-pattern.ts'
import type { Route } from '../mail/route.ts'
import type { Disk } from '../runtime/disk.ts'
import { replaceFile } from '../runtime/replace-file.ts'
import { RouteNames } from './route-name.ts'

/**
 * `all`; a recipient's `domain` (`.example.org`: every one below it); a `route` as `isRouteName` knows it; mail `from` a
 * reverse-path or `to` a recipient, as `isMeantPath` knows them.
 */
export type PauseScope =
  | { readonly what: 'all' }
  | { readonly what: (typeof namedScopes)[number]; readonly name: string }

export const namedScopes = ['domain', 'route', 'from', 'to'] as const

/** Somebody's turn to be delivered to. */
export interface PauseQuestion {
  readonly recipient: Mailbox
  readonly reversePath: ReversePath
  readonly route: Route | undefined
}

/** More than any operator wants to remember. */
const maxScopes = 1_000
const maxFileBytes = 1 << 20

/** Where a spool says what is paused. */
export function pausesFile(spool: string): string {
  return `${spool}/paused`
}

export class Pauses {
  readonly #disk: Disk
  readonly #path: string
  #scopes: readonly PauseScope[]
  #index: PauseIndex
  #writing: Promise<void> = Promise.resolve()

  private constructor(disk: Disk, path: string, scopes: readonly PauseScope[]) {
    this.#disk = disk
    this.#path = path
    this.#scopes = scopes
    this.#index = indexOf(scopes)
  }

  /** @throws PosternError DISK_FAILED, CONFIG_INVALID where the file is there and cannot be read or makes no sense */
  static async open(disk: Disk, path: string): Promise<Pauses> {
    try {
      const bytes = await disk.readFile(path, maxFileBytes)
      return new Pauses(disk, path, readScopes(path, new TextDecoder().decode(bytes)))
    } catch (error) {
      if (isPosternError(error, 'NOT_FOUND')) return new Pauses(disk, path, [])
      throw error
    }
  }

  get scopes(): readonly PauseScope[] {
    return this.#scopes
  }

  get all(): boolean {
    return this.#index.all
  }

  /** Whether a recipient is to wait. */
  covers({ recipient, reversePath, route }: PauseQuestion): boolean {
    const { all, to, from, routes } = this.#index
    return (
      all ||
      to.mean(recipient) ||
      from.mean(reversePath) ||
      (route !== undefined && routes.name(route))
    )
  }

  /** In force at once, remembered when this resolves. @throws PosternError DISK_FULL, DISK_FAILED; RangeError where there are too many */
  async add(scope: PauseScope): Promise<void> {
    const wanted = canonicalScope(scope)
    if (this.#scopes.some((other) => isSameScope(other, wanted))) return
    if (this.#scopes.length === maxScopes) throw new RangeError('too many pauses')
    this.#hold([...this.#scopes, wanted])
    await this.#remember()
  }

  /** @returns whether it was paused. @throws PosternError DISK_FULL, DISK_FAILED */
  async remove(scope: PauseScope): Promise<boolean> {
    const wanted = canonicalScope(scope)
    const left = this.#scopes.filter((other) => !isSameScope(other, wanted))
    if (left.length === this.#scopes.length) return false
    this.#hold(left)
    await this.#remember()
    return true
  }

  #hold(scopes: readonly PauseScope[]): void {
    this.#scopes = scopes
    this.#index = indexOf(scopes)
  }

  /** One write after the other; the last one says what holds. */
  #remember(): Promise<void> {
    const write = async (): Promise<void> => {
      const bytes = Buffer.from(`${JSON.stringify(this.#scopes)}\n`)
      await replaceFile(this.#disk, this.#path, bytes)
    }
    const written = this.#writing.then(write)
    this.#writing = written.catch(() => undefined)
    return written
  }
}

/** The scopes as few questions: a message may have as many recipients as there are scopes. */
interface PauseIndex {
  readonly all: boolean
  readonly to: PathPatterns
  readonly from: PathPatterns
  readonly routes: RouteNames
}

function indexOf(scopes: readonly PauseScope[]): PauseIndex {
  const named = (wanted: (typeof namedScopes)[number]): readonly string[] =>
    scopes.flatMap((scope) => (scope.what === wanted ? scope.name : []))
  return {
    all: scopes.some(({ what }) => what === 'all'),
    to: new PathPatterns([...named('to'), ...named('domain').map((domain) => `@${domain}`)]),
    from: new PathPatterns(named('from')),
    routes: new RouteNames(named('route')),
  }
}

function canonicalScope(scope: PauseScope): PauseScope {
  if (scope.what === 'all' || scope.what === 'route') return scope
  const name = scope.name.toLowerCase()
  return { ...scope, name: scope.what === 'domain' ? asciiDomain(name) || name : name }
}

/** However both were written. */
export function isSameScope(a: PauseScope, b: PauseScope): boolean {
  return a.what === b.what && meantBy(a) === meantBy(b)
}

function meantBy(scope: PauseScope): string {
  const canonical = canonicalScope(scope)
  return canonical.what === 'all' ? '' : canonical.name.replace(/^<(.+)>$/, '$1')
}

function readScopes(path: string, text: string): readonly PauseScope[] {
  const value = parseJson(text)
  const scopes = Array.isArray(value) ? value.map(readScope) : undefined
  const known = scopes?.flatMap((scope) => scope ?? [])
  if (known !== undefined && known.length === scopes?.length) return known
  throw new PosternError('CONFIG_INVALID', `${path} does not say what is paused; remove it`)
}

/** @returns undefined for what is no scope, or concerns nobody however it is meant */
export function readScope(value: JsonValue | undefined): PauseScope | undefined {
  if (typeof value !== 'object' || value === null || !('what' in value)) return undefined
  const { what, name } = value
  if (what === 'all') return { what }
  const named = namedScopes.find((known) => known === what)
  if (named === undefined || typeof name !== 'string' || name === '') return undefined
  return isSomebody(named, name) ? { what: named, name } : undefined
}

/** A domain without its `@`, or half an address, would be a pause that keeps nothing. */
function isSomebody(what: (typeof namedScopes)[number], name: string): boolean {
  if (what !== 'from' && what !== 'to') return true
  return name.includes('@') || (what === 'from' && name === '<>')
}
