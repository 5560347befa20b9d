/** setforward, printforward, newaliases and newinclude: what makes, and shows, the tables of fastforward. */
import { openCdb } from '../../formats/cdb-reader.ts'
import { buildCdb } from '../../formats/cdb-writer.ts'
import { CdbError, readAtBytes } from '../../formats/cdb.ts'
import { errorWords } from '../../formats/error-words.ts'
import { aliasRecords } from '../../formats/forwarding/aliases.ts'
import { forwardRecords, printForward } from '../../formats/forwarding/forward-text.ts'
import { includeList } from '../../formats/forwarding/include-list.ts'
import { latin1Bytes, utf8Octets } from '../../formats/octets.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { errnoOf, MadeFile, MakingFailed } from '../../runtime/node/made-file.ts'
import { qualifiersIn } from './qualifiers.ts'
import { wholeInput, type Surroundings } from './surroundings.ts'
import { done, fatal, usage, type Failure, type ToolEnd } from './tool-end.ts'

/** `setforward data.cdb data.tmp < text` */
export async function setforward(call: Surroundings): Promise<ToolEnd> {
  const name = 'setforward'
  const [path, temporary] = call.args
  if (path === undefined || temporary === undefined) {
    return usage(name, 'setforward data.cdb data.tmp')
  }
  const text = await wholeInput(call)
  return make(name, { path, temporary }, () => {
    const reading = forwardRecords(text)
    if ('trouble' in reading) return { trouble: reading.trouble, exit: 100 }
    return { bytes: buildCdb(reading.records) }
  })
}

/** `printforward < data.cdb` */
export async function printforward(call: Surroundings): Promise<ToolEnd> {
  const bad = fatal('printforward', 100, 'bad database format')
  try {
    const text = printForward(openCdb(readAtBytes(await wholeInput(call))).entries())
    return text === undefined ? bad : done(text)
  } catch (error) {
    if (error instanceof CdbError) return bad
    throw error
  }
}

/** `newaliases [/etc/aliases]`: makes the file of that name with `.cdb` behind it. */
export function newaliases({ args }: Surroundings, folder: string): ToolEnd {
  const source = args[0] ?? '/etc/aliases'
  const files = { path: `${source}.cdb`, temporary: `${source}.tmp` }
  return fromFile('newaliases', source, (bytes) =>
    make('newaliases', files, () => {
      const reading = aliasRecords(bytes, qualifiersIn(folder))
      return 'trouble' in reading ? reading : { bytes: buildCdb(reading.records) }
    }),
  )
}

/** `newinclude list`: makes `list.bin`, which `:include:list` in an alias is. */
export function newinclude({ args: [source] }: Surroundings, folder: string): ToolEnd {
  if (source === undefined) return usage('newinclude', 'newinclude list')
  const files = { path: `${source}.bin`, temporary: `${source}.tmp` }
  return fromFile('newinclude', source, (bytes) =>
    make('newinclude', files, () => {
      const reading = includeList(bytes, qualifiersIn(folder))
      if ('trouble' in reading) return { trouble: reading.trouble, exit: 111 }
      return { bytes: latin1Bytes(reading.list) }
    }),
  )
}

function fromFile(name: string, path: string, use: (bytes: Uint8Array) => ToolEnd): ToolEnd {
  let bytes: Uint8Array
  try {
    bytes = systemDisk.readFileNow(path)
  } catch (error) {
    return fatal(name, 111, `unable to read ${utf8Octets(path)}: ${errorWords(errnoOf(error))}`)
  }
  return use(bytes)
}

interface Files {
  readonly path: string
  readonly temporary: string
}

type Made = { readonly bytes: Uint8Array } | { readonly trouble: string; readonly exit: Failure }

/** What is there stays where there is trouble. */
function make(name: string, files: Files, content: () => Made): ToolEnd {
  const path = utf8Octets(files.path)
  const temporary = utf8Octets(files.temporary)
  try {
    const file = new MadeFile(files.temporary)
    const made = content()
    if ('trouble' in made) {
      file.abandon()
      return fatal(name, made.exit, made.trouble)
    }
    file.finish(files.path, made.bytes)
    return done()
  } catch (error) {
    const words = errorWords(errnoOf(error))
    if (!(error instanceof MakingFailed))
      return fatal(name, 111, `unable to read controls: ${words}`)
    const what = {
      create: `unable to create ${temporary}`,
      write: `unable to write to ${temporary}`,
      move: `unable to move ${temporary} to ${path}`,
    }
    return fatal(name, 111, `${what[error.step]}: ${words}`)
  }
}
