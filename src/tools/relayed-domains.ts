/**
 * Domains that this gateway takes mail for and passes on: one line in control/rcpthosts, one in control/smtproutes, and
 * where recipients are verified one in the table of call-forward, whose entry is on. All of it, or nothing: what would come
 * out is read and judged before anything is written, and what was written is taken back where a later file fails.
 */
import { join, resolve } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { withEntryAfter, withEntryMode } from '../config/entry-mode.ts'
import { formatMistake } from '../config/format-mistake.ts'
import { readConfiguration } from '../config/read-configuration.ts'
import { keysOf, lineOfKey, withLine, withoutKey } from '../formats/keyed-lines.ts'
import { parseSmtpRoutes } from '../formats/smtproutes.ts'
import { asciiDomain } from '../mail/domain.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import { unlessMissingNow } from '../runtime/missing.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { editFile } from '../runtime/node/edit-file.ts'
import { askSupervisor } from './ask-supervisor.ts'
import { readOffline, unopened } from './read-offline.ts'

export interface RelayedDomain {
  readonly domain: string
  /** As smtproutes has it. */
  readonly to: string
  /** Whether its mail is taken: it stands in rcpthosts. */
  readonly accepted: boolean
  /** Whom call-forward asks about its recipients; absent: nobody. */
  readonly verifiedBy?: string | undefined
}

/** A file as it is and as it shall be. */
export interface FileChange {
  readonly path: string
  readonly before: string
  readonly after: string
  /** To be written when the gateway goes by those before it. */
  readonly onceInForce?: true
}

export interface RelayRequest {
  readonly domain: string
  /** `host[:port][,host[:port]…]`; IPv6 in brackets. */
  readonly to: string
  readonly verify: boolean
}

interface Files {
  readonly rcpthosts: string
  readonly smtproutes: string
  readonly table: string
  readonly yaml: string
}

const entryName = 'call-forward'

export function relayedDomains(folder: string): readonly RelayedDomain[] {
  const configuration = readOffline(folder)
  const files = filesOf(configuration)
  const [routes, hosts, table] = [files.smtproutes, files.rcpthosts, files.table].map(read)
  const isVerified = entryOf(configuration)?.mode === 'enforce'
  return keysOf(routes ?? '', ':')
    .filter((key) => key !== '')
    .map((domain) => ({
      domain,
      to: afterKey(lineOfKey(routes ?? '', domain, ':') ?? '', /:/),
      accepted: lineOfKey(hosts ?? '', domain, 'line') !== undefined,
      verifiedBy: isVerified
        ? afterKey(lineOfKey(table ?? '', domain, 'blank') ?? '', /\s/) || undefined
        : undefined,
    }))
}

/** What would be written. @throws PosternError CONFIG_INVALID with all that is wrong with it */
export function planRelay(folder: string, request: RelayRequest): readonly FileChange[] {
  const configuration = readOffline(folder)
  const files = filesOf(configuration)
  const domain = domainOf(request.domain)
  if (configuration.control.locals.has(domain)) {
    throw invalid(`${domain} stands in control/locals: its mail is delivered here, not passed on`)
  }
  const relay = readHops(domain, request.to)
  if (typeof relay === 'string') throw invalid(relay)
  const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
  const changes = [
    change(files.rcpthosts, (text) => withLine(text, domain, 'line')),
    change(files.smtproutes, (text) => withLine(text, `${domain}:${request.to}`, ':')),
  ]
  if (request.verify) {
    const backEnds = [relay, ...(relay.others ?? [])].map(
      ({ host, port }) => `smtp:${bracketed(host)}:${port}`,
    )
    changes.push(
      change(files.table, (text) => withLine(text, `${domain} ${backEnds.join(',')}`, 'blank')),
      change(files.yaml, withRecipientCheck),
    )
  }
  const real = judged(folder, changes)
  const taken = real.filter(({ path }) => path === files.rcpthosts)
  const others = real.filter(({ path }) => path !== files.rcpthosts)
  // Nobody's mail is taken before it is known where it goes: tables are followed faster than the rest.
  return [...others, ...taken.map((each) => ({ ...each, onceInForce: true as const }))]
}

/** @throws PosternError NOT_FOUND where it is not passed on, CONFIG_INVALID */
export function planRemoval(folder: string, name: string): readonly FileChange[] {
  const files = filesOf(readOffline(folder))
  const domain = domainOf(name)
  if (lineOfKey(read(files.smtproutes), domain, ':') === undefined) {
    throw new PosternError('NOT_FOUND', `${domain} stands not in control/smtproutes`)
  }
  return judged(folder, [
    change(files.rcpthosts, (text) => withoutKey(text, domain, 'line')),
    change(files.smtproutes, (text) => withoutKey(text, domain, ':')),
    change(files.table, (text) => withoutKey(text, domain, 'blank')),
  ])
}

/**
 * One file after the other; where one fails, those before it are as they were.
 * @param folder whose gateway is told
 * @throws PosternError DISK_FAILED, TIMEOUT; ABORTED where a file is another by now; CONFIG_INVALID where the gateway
 * does not take it
 */
export async function apply(folder: string, changes: readonly FileChange[]): Promise<void> {
  const done: FileChange[] = []
  try {
    for (const each of changes) {
      if (each.onceInForce === true) await putInForce(folder)
      await replace(each)
      done.push(each)
    }
  } catch (error) {
    for (const { path, before, after } of done.toReversed()) {
      await replace({ path, before: after, after: before })
    }
    throw error
  }
}

/** What is written so far. Where no gateway runs, or where it is not ours to ask, there is nothing to wait for. */
async function putInForce(folder: string): Promise<void> {
  const report = await askSupervisor(folder, 'reload').catch((error: unknown) => {
    if (isPosternError(error, 'NOT_ALLOWED')) return undefined
    throw error
  })
  if (report?.ok === false) throw invalid(report.mistakes.map(formatMistake).join('\n'))
}

async function replace({ path, before, after }: FileChange): Promise<void> {
  await systemDisk.makeDirectory(join(path, '..'))
  await editFile(path, (text) => {
    if (text !== before) throw new PosternError('ABORTED', `${path} changed meanwhile`)
    return after
  })
}

/** What changes anything. @throws PosternError CONFIG_INVALID with all that would be wrong then */
function judged(folder: string, changes: readonly FileChange[]): readonly FileChange[] {
  const real = changes.filter(({ before, after }) => before !== after)
  const texts = new Map(real.map(({ path, after }) => [path, after]))
  const { mistakes } = readConfiguration({
    folder: resolve(folder),
    shownAs: folder,
    resources: unopened,
    readFile(path) {
      const text = texts.get(path)
      return text === undefined ? systemDisk.readFileNow(path) : Buffer.from(text)
    },
  })
  if (mistakes.length > 0) throw invalid(mistakes.map(formatMistake).join('\n'))
  return real
}

/** What is wrong with a domain as it was typed. */
export function domainProblem(name: string): string | undefined {
  const domain = asciiDomain(name)
  return domain === '' || !domain.includes('.') ? `${name} is no domain` : undefined
}

/** What is wrong with next hops as they were typed. */
export function hopsProblem(to: string): string | undefined {
  const read = readHops('domain.test', to)
  return typeof read === 'string' ? read : undefined
}

function readHops(domain: string, to: string) {
  const reading = parseSmtpRoutes(Buffer.from(`${domain}:${to}\n`))
  const [mistake] = reading.mistakes
  if (mistake !== undefined) return `${to}: ${mistake.remedy}`
  const relay = reading.value.find(domain)?.relay
  return relay === undefined || /\s/.test(to) ? `${JSON.stringify(to)} names no relay` : relay
}

/** The entry is on; where there is none it is added behind the one that vouches for the domain. */
function withRecipientCheck(text: string): string {
  const changed =
    withEntryMode(text, entryName, 'enforce') ?? withEntryAfter(text, 'rcpthosts', entryName)
  if (changed !== undefined) return changed
  throw invalid(`the chain has no entry ${entryName}; add it: - plugin: ${entryName}`)
}

function domainOf(name: string): string {
  const problem = domainProblem(name)
  if (problem !== undefined) throw invalid(problem)
  return asciiDomain(name)
}

function filesOf({ folder, chain }: Configuration): Files {
  const options = chain.find(({ plugin }) => plugin === entryName)?.options
  const written =
    typeof options === 'object' && options !== null && 'back_ends' in options
      ? options['back_ends']
      : undefined
  return {
    rcpthosts: join(folder, 'control/rcpthosts'),
    smtproutes: join(folder, 'control/smtproutes'),
    table: resolve(folder, typeof written === 'string' ? written : 'tables/call-forward'),
    yaml: join(folder, 'postern.yaml'),
  }
}

function entryOf({ chain }: Configuration): Configuration['chain'][number] | undefined {
  return chain.find(({ name }) => name === entryName)
}

function change(path: string, edit: (text: string) => string): FileChange {
  const before = read(path)
  return { path, before, after: edit(before) }
}

function read(path: string): string {
  return unlessMissingNow(() => new TextDecoder().decode(systemDisk.readFileNow(path))) ?? ''
}

function afterKey(line: string, end: RegExp): string {
  const at = line.trim().search(end)
  return at < 0
    ? ''
    : line
        .trim()
        .slice(at + 1)
        .trim()
}

function invalid(problem: string): PosternError {
  return new PosternError('CONFIG_INVALID', problem)
}
