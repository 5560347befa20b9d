/** maildirmake and safecat. */
import { join } from 'node:path'
import { errorWords } from '../../formats/error-words.ts'
import { utf8Octets } from '../../formats/octets.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { errnoOf, MadeFile, MakingFailed } from '../../runtime/node/made-file.ts'
import { makeFolder } from '../../runtime/node/made-folder.ts'
import { wholeInput, type Surroundings } from './surroundings.ts'
import { done, fatal, usage, type ToolEnd } from './tool-end.ts'

/** `maildirmake folder` */
export function maildirmake({ args: [path] }: Pick<Surroundings, 'args'>): ToolEnd {
  if (path === undefined) return usage('maildirmake', 'maildirmake name')
  for (const inside of ['', '/tmp', '/new', '/cur']) {
    try {
      makeFolder(path + inside)
    } catch (error) {
      const what = `unable to mkdir ${utf8Octets(path)}${inside}: ${errorWords(errnoOf(error))}`
      return fatal('maildirmake', 111, what)
    }
  }
  return done()
}

/** `safecat tmp new`: standard input as a file that is in `new` wholly or not at all. @returns its name */
export async function safecat(call: Surroundings): Promise<ToolEnd> {
  const [temporary, final, ...more] = call.args
  if (temporary === undefined || final === undefined || more.length > 0) {
    return usage('safecat', 'safecat <tempdir> <destdir>')
  }
  for (const folder of [temporary, final]) {
    // oxlint-disable-next-line no-await-in-loop -- the first that is none is named
    const trouble = await troubleWith(folder)
    if (trouble !== undefined) return fatal('safecat', 111, trouble)
  }
  const now = call.now()
  const name = `${Math.floor(now / 1000)}.M${(now % 1000) * 1000}P${call.pid}.${call.hostname}`
  const file = join(temporary, name)
  try {
    new MadeFile(file).finish(join(final, name), await wholeInput(call))
    await systemDisk.syncDirectory(final)
    return done(`${utf8Octets(name)}\n`)
  } catch (error) {
    await systemDisk.remove(file).catch(() => undefined)
    return fatal('safecat', 111, whatFailed(error))
  }
}

const ownerWrites = 0o200

async function troubleWith(folder: string): Promise<string | undefined> {
  try {
    const { kind, mode } = await systemDisk.stat(folder)
    if (kind !== 'directory') return 'not a directory'
    return (mode & ownerWrites) === 0 ? 'directory is not writable' : undefined
  } catch (error) {
    return `could not stat directory : ${errorWords(errnoOf(error))}`
  }
}

function whatFailed(error: unknown): string {
  const words = errorWords(errnoOf(error))
  if (!(error instanceof MakingFailed)) return 'unable to copy standard input'
  switch (error.step) {
    case 'create':
      return `couldn't create output file: ${words}`
    case 'write':
      return `can't fsync/close output file: ${words}`
    case 'move':
      return `can't link output file: ${words}`
  }
}
