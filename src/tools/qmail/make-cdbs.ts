/** qmail-newu and qmail-newmrh, in their own words: what an operator wrote, as the cdb that is looked into. */
import { join } from 'node:path'
import { buildCdb } from '../../formats/cdb-writer.ts'
import type { CdbEntry } from '../../formats/cdb.ts'
import { errorWords } from '../../formats/error-words.ts'
import { moreRcpthostsRecords } from '../../formats/more-rcpthosts.ts'
import { assignRecords } from '../../formats/users/assign-records.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { errnoOf, MadeFile, MakingFailed } from '../../runtime/node/made-file.ts'
import { done, fatal, type ToolEnd } from './tool-end.ts'

/** @param folder that holds `users/` */
export function newu(folder: string): ToolEnd {
  const failed = (what: string): ToolEnd => fatal('qmail-newu', 111, what)
  try {
    const assign = systemDisk.readFileNow(join(folder, 'users/assign'))
    const made = makeCdb(join(folder, 'users/cdb.tmp'), {
      path: join(folder, 'users/cdb'),
      records: () => assignRecords(assign),
    })
    return made ? done() : failed('bad format in users/assign')
  } catch (error) {
    if (!(error instanceof MakingFailed)) {
      const step = errnoOf(error) === 'EISDIR' ? 'read' : 'open'
      return failed(`unable to ${step} users/assign`)
    }
    const what = {
      create: 'unable to open users/cdb.tmp',
      write: 'unable to write users/cdb.tmp',
      move: 'unable to move users/cdb.tmp to users/cdb',
    }
    return failed(what[error.step])
  }
}

/** @param folder that holds `control/` */
export function newmrh(folder: string): ToolEnd {
  const failed = (what: string): ToolEnd => fatal('qmail-newmrh', 111, what)
  try {
    const hosts = systemDisk.readFileNow(join(folder, 'control/morercpthosts'))
    makeCdb(join(folder, 'control/morercpthosts.tmp'), {
      path: join(folder, 'control/morercpthosts.cdb'),
      records: () => moreRcpthostsRecords(hosts),
    })
    return done()
  } catch (error) {
    const words = errorWords(errnoOf(error))
    if (!(error instanceof MakingFailed)) {
      return failed(`unable to read control/morercpthosts: ${words}`)
    }
    return error.step === 'move'
      ? failed('unable to move control/morercpthosts.tmp to control/morercpthosts.cdb')
      : failed(`unable to write to control/morercpthosts.tmp: ${words}`)
  }
}

interface CdbToMake {
  readonly path: string
  readonly records: () => readonly CdbEntry[] | undefined
}

/** @returns whether there was anything to make; the old file stays where there was not. @throws MakingFailed */
function makeCdb(temporary: string, { path, records }: CdbToMake): boolean {
  const file = new MadeFile(temporary)
  const entries = records()
  if (entries === undefined) file.abandon()
  else file.finish(path, buildCdb(entries))
  return entries !== undefined
}
