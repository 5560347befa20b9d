/**
 * Aliases of the host that lead back to themselves, where the .qmail-default of alias hands what is for nobody else to
 * fastforward with a file `aliases`, as its INSTALL says (`| fastforward -d /etc/aliases.cdb`).
 */
import { basename, resolve } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { fileName } from '../delivery/local/dot-qmail-file.ts'
import type { UserDirectory } from '../delivery/local/user-directory.ts'
import { dotQmailNames, parseDotQmail } from '../formats/dot-qmail.ts'
import { aliasCircles, type AliasCircle } from '../formats/forwarding/alias-circles.ts'
import type { Qualifiers } from '../formats/inject/qualify.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { Disk } from '../runtime/disk.ts'

export interface AliasParts {
  readonly control: Pick<Configuration['control'], 'locals'> & Qualifiers
  /** Absent where all mail for this host goes to Maildirs by address. */
  readonly directory: UserDirectory | undefined
  readonly disk: Pick<Disk, 'stat' | 'readFile'>
}

const mostDoubts = 10
const mostNamed = 5
const mostBytes = 4 << 20
/** Who is no user of any host is the alias's. */
const nobodys = 'mailer-daemon'
const tableOf = /(?:^|[\s/])fastforward(?:\s+-[a-zA-Z]+)*\s+(\S+)\s*$/

export async function aliasDoubts({
  control,
  directory,
  disk,
}: AliasParts): Promise<readonly Mistake[]> {
  const alias = await directory?.find(nobodys).catch(() => undefined)
  if (directory === undefined || alias === undefined || alias.dash === '') return []
  const rest = `${alias.home}/.qmail${alias.dash}default`
  const file = tableIn(alias.home, await readable(disk, rest))
  const text = file === undefined ? undefined : await readable(disk, file)
  if (file === undefined || text === undefined) return []
  const { circles, trouble } = aliasCircles(text, control, (domain) => control.locals.has(domain))
  if (trouble !== undefined) {
    const problem = `${trouble.text}: fastforward takes none of the file`
    return [{ file, line: trouble.line, problem, remedy: 'mend the line', code: 'alias-circle' }]
  }
  const doubts: Mistake[] = []
  for (const circle of circles) {
    if (doubts.length >= mostDoubts) break
    // oxlint-disable-next-line no-await-in-loop -- few, and each asks for few
    if (await comesBack(circle, rest, { directory, disk })) doubts.push(doubtAbout(file, circle))
  }
  return doubts
}

/** The text of the table; of a cdb that newaliases made what it was made of. */
function tableIn(home: string, dotQmail: Uint8Array | undefined): string | undefined {
  for (const line of parseDotQmail(dotQmail ?? new Uint8Array()).instructions) {
    const [, table] = line.do === 'program' ? (tableOf.exec(line.command) ?? []) : []
    const text = table?.replace(/\.cdb$/, '')
    if (text !== undefined && basename(text) === 'aliases') return resolve(fileName(home), text)
  }
  return undefined
}

/** Whether nobody in the circle is a user, or has a .qmail file that comes before that for the rest. */
async function comesBack(
  { names }: AliasCircle,
  rest: string,
  { directory, disk }: Pick<AliasParts, 'disk'> & { readonly directory: UserDirectory },
): Promise<boolean> {
  for (const name of names.slice(0, mostNamed)) {
    const local = name.slice(0, name.lastIndexOf('@'))
    if (local === '') continue
    // oxlint-disable-next-line no-await-in-loop -- the first that leads out
    const found = await directory.find(local).catch(() => undefined)
    if (found === undefined) continue
    if (found.dash === '') return false
    const paths = dotQmailNames(found.dash, found.extension).map(
      (each) => `${found.home}/${each.name}`,
    )
    // oxlint-disable-next-line no-await-in-loop -- as above
    if ((await firstThere(disk, paths)) !== rest) return false
  }
  return true
}

async function firstThere(
  disk: Pick<Disk, 'stat'>,
  paths: readonly string[],
): Promise<string | undefined> {
  for (const path of paths) {
    // oxlint-disable-next-line no-await-in-loop -- the first that is there
    const found = await disk.stat(fileName(path)).catch(() => undefined)
    if (found?.kind === 'file') return path
  }
  return undefined
}

function doubtAbout(file: string, { line, names }: AliasCircle): Mistake {
  const said = names.slice(0, mostNamed).map((name) => name.replace(/@$/, ''))
  const others = names.length > mostNamed ? [`${names.length - mostNamed} others`] : []
  const way = [...said, ...others, said[0]].join(' -> ')
  return {
    file,
    line,
    problem: `the alias leads back to itself (${way}): that copy goes round until it bounces`,
    remedy: 'name an address that is not in this file; who is no user of the host has no mailbox',
    code: 'alias-circle',
  }
}

/** @returns undefined also for what we may not read */
async function readable(
  disk: Pick<Disk, 'stat' | 'readFile'>,
  path: string,
): Promise<Uint8Array | undefined> {
  try {
    // Nothing that waits for somebody.
    if ((await disk.stat(fileName(path))).kind !== 'file') return undefined
    return await disk.readFile(fileName(path), mostBytes)
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}
