/**
 * The rules for clients: tcp.smtp as text, read as it stands, or the cdb that tcprules made of it, as a qmail installation
 * has it. Where a cdb is named it decides; a text beside it that says something else is worth a warning.
 */
import { CdbError, readAtBytes } from '../formats/cdb.ts'
import { openCdb } from '../formats/cdb-reader.ts'
import { compileTcpRules, parseTcpRules } from '../formats/tcprules.ts'
import { tcpRulesOfCdb, tcpRulesOfText, type TcpRules } from '../formats/tcprules-lookup.ts'
import type { Mistake } from '../plugin/mistake.ts'

/** What it needs of the configuration folder. Paths may be relative to it. */
export interface RuleFiles {
  /** Undefined where there is none. */
  read(path: string): Uint8Array | undefined
  /** Whether it is there, and reading it is among the mistakes already. */
  isUnread(path: string): boolean
  /** How a message names it. */
  shown(path: string): string
  readonly mistakes: Mistake[]
  readonly doubts: Mistake[]
}

/** Where there are mistakes, those rules that could be read: not to be put in force. */
export function readTcpRules(files: RuleFiles, path: string): TcpRules {
  return path.endsWith('.cdb') ? readCdb(files, path) : readText(files, path)
}

function readText(files: RuleFiles, path: string): TcpRules {
  const file = files.shown(path)
  const bytes = files.read(path)
  if (bytes === undefined && !files.isUnread(path)) {
    const problem = 'is missing: every client is served, with no variables'
    const remedy = 'write one; the line :allow says the same on purpose'
    files.doubts.push({ file, problem, remedy, code: 'no-rules' })
  }
  const text = parseTcpRules(bytes ?? new Uint8Array(), { extended: true })
  for (const { line, text: written, remedy } of text.mistakes) {
    files.mistakes.push({ file, line, problem: `'${written}' is not a rule`, remedy })
  }
  for (const { line, text: written, remedy } of text.doubts) {
    files.doubts.push({
      file,
      line,
      problem: `'${written}' matches nobody`,
      remedy,
      code: 'useless-rule',
    })
  }
  return tcpRulesOfText(text)
}

function readCdb(files: RuleFiles, path: string): TcpRules {
  const file = files.shown(path)
  const bytes = files.read(path)
  const remedy = `make it: postern tcprules ${file} ${file}.tmp < RULES`
  const nobody = tcpRulesOfText(parseTcpRules(new Uint8Array()))
  if (bytes === undefined) {
    if (!files.isUnread(path)) files.mistakes.push({ file, problem: 'is missing', remedy })
    return nobody
  }
  try {
    const cdb = openCdb(readAtBytes(bytes))
    // Damage shows now, and not when a client comes.
    for (const _ of cdb.entries());
    const rules = tcpRulesOfCdb(cdb)
    compare(files, path, bytes)
    return rules
  } catch (error) {
    if (!(error instanceof CdbError)) throw error
    files.mistakes.push({ file, problem: `is damaged: ${error.message}`, remedy })
    return nobody
  }
}

/** Both syntaxes count: nobody can see in a cdb whether it was made with -6. */
function compare(files: RuleFiles, path: string, cdb: Uint8Array): void {
  const textPath = path.slice(0, -'.cdb'.length)
  const text = files.read(textPath)
  if (text === undefined) return
  const same = [true, false].some((extended) => {
    const parsed = parseTcpRules(text, { extended })
    return parsed.mistakes.length === 0 && Buffer.compare(compileTcpRules(parsed), cdb) === 0
  })
  if (same) return
  const problem = `says something else than ${files.shown(path)}, which is in force`
  const remedy = 'compile it with postern tcprules, or name it in tcp_rules'
  files.doubts.push({ file: files.shown(textPath), problem, remedy, code: 'stale-cdb' })
}
