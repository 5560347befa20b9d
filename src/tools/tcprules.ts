/**
 * tcprules and tcprulescheck, in their own words and exit codes: 100 for what the operator wrote, 111 for what the system
 * refused. Scripts that call the originals may call these.
 */
import { CdbError, type ReadAt } from '../formats/cdb.ts'
import { openCdb } from '../formats/cdb-reader.ts'
import { errorWords } from '../formats/error-words.ts'
import { latin1, latin1Bytes, trimBlanks } from '../formats/octets.ts'
import { tcpRuleItems, tcpRuleKeys, type TcpClient } from '../formats/tcprules-lookup.ts'
import {
  NETWORK_LENGTHS_KEY,
  noNetworks,
  parseNetworkLengths,
} from '../formats/tcprules-networks.ts'
import { compileTcpRules, parseTcpRules } from '../formats/tcprules.ts'
import { errnoOf, MadeFile, MakingFailed } from '../runtime/node/made-file.ts'
import { systemDisk } from '../runtime/node/disk.ts'

/** What a program leaves behind. The texts hold one character for each byte. */
export interface ProgramEnd {
  readonly exit: 0 | 100 | 111
  readonly stdout: string
  readonly stderr: string
}

export interface Compiling {
  readonly cdb: string | undefined
  readonly temporary: string | undefined
  /** Also IPv6 addresses and networks: `-6`. */
  readonly extended: boolean
  readonly input: AsyncIterable<Uint8Array>
}

/** `tcprules`: rules from `input` into `cdb`, by way of `temporary`. Never rejects. */
export async function compileRules(request: Compiling): Promise<ProgramEnd> {
  const { cdb, temporary, extended } = request
  if (cdb === undefined || temporary === undefined) {
    return failed(100, 'usage: tcprules rules.cdb rules.tmp', 'tcprules')
  }
  try {
    const file = new MadeFile(temporary)
    const text = await wholeOf(request.input)
    if (typeof text === 'string') {
      file.abandon()
      return fatal(111, `unable to read input: ${text}`)
    }
    const rules = parseTcpRules(text, { extended })
    const [mistake] = rules.mistakes
    if (mistake !== undefined) {
      file.abandon()
      return fatal(100, `unable to parse this line: ${lineOf(text, mistake.line)}`)
    }
    file.finish(cdb, compileTcpRules(rules))
    return { exit: 0, stdout: '', stderr: '' }
  } catch (error) {
    if (!(error instanceof MakingFailed)) throw error
    const what = {
      create: `unable to create ${octets(temporary)}`,
      write: `unable to write to ${octets(temporary)}`,
      move: `unable to move ${octets(temporary)} to ${octets(cdb)}`,
    }
    return fatal(111, `${what[error.step]}: ${errorWords(error.errno)}`)
  }
}

/** `tcprulescheck`: what the rules in `path` say of a client. */
export async function checkRules(path: string | undefined, client: TcpClient): Promise<ProgramEnd> {
  const name = 'tcprulescheck'
  if (path === undefined) return failed(100, 'usage: tcprulescheck rules.cdb', name)
  try {
    const file = systemDisk.openNow(path)
    try {
      const sizeBytes = file.statNow().sizeBytes
      // The original maps the file into memory, which nothing cannot be.
      if (sizeBytes === 0)
        return fatal(111, `unable to read ${octets(path)}: ${errorWords('EINVAL')}`, name)
      const readAt: ReadAt['readAt'] = (offset, length) => file.readNow(offset, length)
      return { exit: 0, stdout: verdictOf({ sizeBytes, readAt }, client), stderr: '' }
    } finally {
      await file.close()
    }
  } catch (error) {
    const errno = error instanceof CdbError ? 'EPROTO' : errnoOf(error)
    return fatal(111, `unable to read ${octets(path)}: ${errorWords(errno)}`, name)
  }
}

function verdictOf(file: ReadAt, client: TcpClient): string {
  const cdb = openCdb(file)
  const lengths = cdb.get(NETWORK_LENGTHS_KEY)
  const networks = lengths === undefined ? noNetworks : parseNetworkLengths(latin1(lengths))
  for (const key of tcpRuleKeys(client, networks)) {
    const data = cdb.get(latin1Bytes(key))
    if (data !== undefined) return `rule ${key}:\n${instructions(latin1(data))}`
  }
  return 'default:\nallow connection\n'
}

function instructions(data: string): string {
  let said = ''
  for (const item of tcpRuleItems(data)) {
    if (item.startsWith('D')) return `${said}deny connection\n`
    if (item.startsWith('+')) said += `set environment variable ${item.slice(1)}\n`
  }
  return `${said}allow connection\n`
}

/** As the original prints it, whose strings end at a NUL. */
function lineOf(text: Uint8Array, line: number): string {
  const [shown = ''] = trimBlanks(latin1(text).split('\n')[line - 1] ?? '').split('\0', 1)
  return shown
}

/** All of it, or why it cannot be read. */
async function wholeOf(input: AsyncIterable<Uint8Array>): Promise<Uint8Array | string> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of input) chunks.push(chunk)
  } catch (error) {
    return errorWords(errnoOf(error))
  }
  return Buffer.concat(chunks)
}

function octets(path: string | undefined): string {
  return latin1(Buffer.from(path ?? ''))
}

function fatal(exit: 100 | 111, what: string, program = 'tcprules'): ProgramEnd {
  return failed(exit, `fatal: ${what}`, program)
}

function failed(exit: 100 | 111, what: string, program: string): ProgramEnd {
  return { exit, stdout: '', stderr: `${program}: ${what}\n` }
}
