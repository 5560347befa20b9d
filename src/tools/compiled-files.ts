/**
 * Files that are compiled into a cdb, and what of it is stale: the rules for clients, control/morercpthosts, users/assign.
 * Two files say the same if compiling the text gives the bytes of the cdb.
 */
import { join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { buildCdb } from '../formats/cdb-writer.ts'
import { moreRcpthostsRecords } from '../formats/more-rcpthosts.ts'
import { compileTcpRules, parseTcpRules } from '../formats/tcprules.ts'
import { assignRecords } from '../formats/users/assign-records.ts'
import { isPosternError } from '../mail/errors.ts'
import { unlessMissingNow } from '../runtime/missing.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { MadeFile } from '../runtime/node/made-file.ts'

/** A text, and the cdb that is made of it. Absolute paths. */
export interface CompiledFile {
  readonly text: string
  readonly cdb: string
  /**
   * What the cdb may hold where the text is this; more than one where nobody can see how it was made.
   * @returns none where the text has mistakes
   */
  readonly compile: (text: Uint8Array) => readonly Uint8Array[]
  /** Nobody reads the text itself. */
  readonly isNeeded?: true
}

export type CompiledState =
  /** `missing`: there is a text and no cdb. `broken`: the text cannot be compiled. */
  'fresh' | 'stale' | 'missing' | 'broken'

/** Those of a configuration that have a text. The first compilation of each is the one to write. */
export function compiledFiles(configuration: Configuration): readonly CompiledFile[] {
  const { folder, tcpRulesPath } = configuration
  const rules = tcpRulesPath.endsWith('.cdb') ? tcpRulesPath.slice(0, -4) : tcpRulesPath
  const all: readonly CompiledFile[] = [
    { text: rules, cdb: `${rules}.cdb`, compile: compileRules },
    {
      text: join(folder, 'control/morercpthosts'),
      cdb: join(folder, 'control/morercpthosts.cdb'),
      compile: (text) => [buildCdb(moreRcpthostsRecords(text))],
      isNeeded: true,
    },
    {
      text: join(folder, 'users/assign'),
      cdb: join(folder, 'users/cdb'),
      compile(text) {
        const records = assignRecords(text)
        return records === undefined ? [] : [buildCdb(records)]
      },
    },
  ]
  return all.filter(({ text }) => readIfThere(text) !== undefined)
}

/** With IPv6 and networks first: what a text has of neither compiles alike. */
function compileRules(text: Uint8Array): readonly Uint8Array[] {
  return [true, false].flatMap((extended) => {
    const parsed = parseTcpRules(text, { extended })
    return parsed.mistakes.length > 0 ? [] : [compileTcpRules(parsed)]
  })
}

/** @throws PosternError DISK_FAILED where one of them cannot be read */
export function stateOf({ text, cdb, compile }: CompiledFile): CompiledState {
  const compiled = compile(readIfThere(text) ?? new Uint8Array())
  if (compiled.length === 0) return 'broken'
  const there = readIfThere(cdb)
  if (there === undefined) return 'missing'
  return compiled.some((bytes) => Buffer.compare(bytes, there) === 0) ? 'fresh' : 'stale'
}

/** A cdb that says something else than its text, or nothing. */
export interface StaleFile {
  readonly text: string
  readonly cdb: string
  readonly why: keyof typeof staleWords
}

/** Why it is stale, as a sentence goes on that begins with its name. */
export const staleWords = {
  different: 'is stale: it says something else than its text',
  older: 'is stale: it is older than its text',
  missing: 'is not there, and nothing else reads its text',
} as const

/**
 * Those where both are there, or where the text alone is, which then has no effect. Of control/simcontrol, whose cdb we do not make, the times count.
 * @throws PosternError DISK_FAILED where one of them cannot be read
 */
export function staleFiles(configuration: Configuration): readonly StaleFile[] {
  const different = compiledFiles(configuration).flatMap((file): readonly StaleFile[] => {
    const { text, cdb, isNeeded } = file
    const state = stateOf(file)
    if (state === 'stale') return [{ text, cdb, why: 'different' }]
    return state === 'missing' && isNeeded === true ? [{ text, cdb, why: 'missing' }] : []
  })
  const text = join(configuration.folder, 'control/simcontrol')
  const cdb = `${text}.cdb`
  const [textAt, cdbAt] = [modifiedAt(text), modifiedAt(cdb)]
  if (textAt === undefined || cdbAt === undefined || textAt <= cdbAt) return different
  return [...different, { text, cdb, why: 'older' }]
}

function modifiedAt(path: string): number | undefined {
  try {
    const file = systemDisk.openNow(path)
    const { modifiedAt: at } = file.statNow()
    void file.close()
    return at
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** Puts a new cdb in its place at once. @returns whether there was one to make. @throws MakingFailed */
export function rebuild({ text, cdb, compile }: CompiledFile): boolean {
  const [bytes] = compile(readIfThere(text) ?? new Uint8Array())
  if (bytes === undefined) return false
  new MadeFile(`${cdb}.tmp`).finish(cdb, bytes)
  return true
}

function readIfThere(path: string): Uint8Array | undefined {
  return unlessMissingNow(() => systemDisk.readFileNow(path))
}
