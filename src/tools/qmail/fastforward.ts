/** `fastforward [-nNpPdD] table`: sends on to whom a table of aliases names, and runs what it names. */
import { fileName } from '../../delivery/local/dot-qmail-file.ts'
import { CdbError } from '../../formats/cdb.ts'
import { errorWords } from '../../formats/error-words.ts'
import { getopt } from '../../formats/getopt.ts'
import { latin1, utf8Octets } from '../../formats/octets.ts'
import { isPosternError } from '../../mail/errors.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { errnoOf } from '../../runtime/node/made-file.ts'
import { runDeliveryProgram } from './delivery-program.ts'
import { openForwardTable, type ForwardTable } from './forward-table.ts'
import { mailOn, variable, wholeInput, type Surroundings } from './surroundings.ts'
import { fatal, usage, type ToolEnd } from './tool-end.ts'

const name = 'fastforward'

/** @param folder that holds `control/` */
export async function fastforward(call: Surroundings, folder: string): Promise<ToolEnd> {
  const { options, rest, illegal } = getopt(call.args, 'nNpPdD')
  const [path] = rest
  if (illegal !== undefined || path === undefined) {
    return usage(name, 'fastforward [ -nNpP ] data.cdb')
  }
  const isOn = (letter: string): boolean =>
    options.findLast((each) => each.letter.toLowerCase() === letter)?.letter === letter
  const recipient = recipientOf(call, isOn('d'))
  if (typeof recipient !== 'string') return recipient
  try {
    const table = openForwardTable(path, folder)
    if ('trouble' in table) return fatal(name, 111, table.trouble)
    const message = await wholeInput(call)
    const run = { call, table, message, dryRun: isOn('n'), passThrough: isOn('p') }
    return await new Expansion(run).deliver(recipient)
  } catch (error) {
    if (!(error instanceof CdbError) && !isPosternError(error)) throw error
    const errno = error instanceof CdbError ? 'EPROTO' : errnoOf(error)
    return fatal(name, 111, `unable to read ${utf8Octets(path)}: ${errorWords(errno)}`)
  }
}

function recipientOf(call: Surroundings, byDefault: boolean): string | ToolEnd {
  if (!byDefault) return variable(call, 'RECIPIENT') ?? fatal(name, 100, '$RECIPIENT must be set')
  const local = variable(call, 'DEFAULT') ?? variable(call, 'EXT')
  if (local === undefined) return fatal(name, 100, '$DEFAULT or $EXT must be set')
  const host = variable(call, 'HOST')
  return host === undefined ? fatal(name, 100, '$HOST must be set') : `${local}@${host}`
}

interface Run {
  readonly call: Surroundings
  readonly table: ForwardTable
  readonly message: Uint8Array
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean
  /** Who is not in the table is for the next line; nobody else is. */
  readonly passThrough: boolean
}

/** Longer addresses are left out. */
const mostCommandBytes = 900

class Expansion {
  readonly #run: Run
  readonly #done = new Set<string>()
  /** The last one is next. */
  readonly #todo: string[] = []
  readonly #forward: string[] = []
  #sender: string
  #said = ''
  /** An address led to one that was looked up before. */
  #cameBack = false
  /** A program or a list had its say, and be it that there is nobody. */
  #obeyed = false

  constructor(run: Run) {
    this.#run = run
    this.#sender = variable(run.call, 'SENDER') ?? 'original envelope sender'
  }

  async deliver(recipient: string): Promise<ToolEnd> {
    const { table, passThrough } = this.#run
    if (this.#sender !== '' && this.#sender !== '#@[]') {
      this.#sender = table.find('?', recipient) ?? this.#sender
    }
    const commands = table.find(':', recipient)
    if (commands === undefined) {
      return passThrough
        ? this.#end(0)
        : { ...this.#end(100), err: 'Sorry, no mailbox here by that name. (#5.1.1)\n' }
    }
    this.#done.add(recipient)
    const trouble = (await this.#obey(commands)) ?? (await this.#expand())
    return trouble === undefined ? this.#send() : this.#ended(trouble)
  }

  async #expand(): Promise<ToolEnd | undefined> {
    for (let next = this.#todo.pop(); next !== undefined; next = this.#todo.pop()) {
      if (this.#done.has(next)) {
        this.#cameBack ||= isForward(next)
        continue
      }
      this.#done.add(next)
      // oxlint-disable-next-line no-await-in-loop -- one after the other: each may add to the list
      const trouble = await (next.startsWith('&')
        ? this.#recipient(next.slice(1))
        : this.#list(next))
      if (trouble !== undefined) return trouble
    }
    return undefined
  }

  /** Who is the owner of a list, or is not in the table, gets the message. */
  async #recipient(address: string): Promise<ToolEnd | undefined> {
    const { table } = this.#run
    const owned = table.exact('?', address) !== undefined
    const commands = owned ? undefined : table.exact(':', address)
    if (commands !== undefined) return this.#obey(commands)
    this.#forward.push(address)
    return undefined
  }

  async #list(path: string): Promise<ToolEnd | undefined> {
    const worldReads = 0o444
    this.#obeyed = true
    try {
      const { kind, mode } = await systemDisk.stat(fileName(path))
      // Of a FIFO, say, there is nothing to read, which is not the same as a list of nobody.
      if (kind === 'other' && path !== '/dev/null') return fatal(name, 111, `${path} is no file`)
      if ((mode & worldReads) !== worldReads)
        return fatal(name, 111, `${path} is not world-readable`)
      const items = ended(latin1(await systemDisk.readFile(fileName(path))))
      this.#todo.push(...items.filter((each) => isList(each) || isForward(each)))
      return undefined
    } catch (error) {
      return fatal(name, 111, `unable to read ${path}: ${errorWords(errnoOf(error))}`)
    }
  }

  async #obey(commands: string): Promise<ToolEnd | undefined> {
    for (const command of ended(commands)) {
      if (isList(command) || isForward(command)) this.#todo.push(command)
      else if (/^[|!]/.test(command)) {
        // oxlint-disable-next-line no-await-in-loop -- in their order
        const trouble = await this.#program(command)
        if (trouble !== undefined) return trouble
      }
    }
    return undefined
  }

  async #program(command: string): Promise<ToolEnd | undefined> {
    const { call, message, dryRun } = this.#run
    this.#obeyed = true
    if (dryRun) {
      this.#said += `run ${safe(command)}\n`
      return undefined
    }
    const program = { command: command.slice(1), message, withLines: command.startsWith('!') }
    return runDeliveryProgram(name, program, call)
  }

  async #send(): Promise<ToolEnd> {
    const { call, message, dryRun } = this.#run
    const recipients = this.#forward.toReversed()
    // The original takes such mail, and nobody ever gets it.
    if (recipients.length === 0 && this.#cameBack && !this.#obeyed) return this.#ended(circle)
    if (dryRun) {
      const to = recipients.map((each) => `to <${safe(each)}>\n`).join('')
      this.#said += to === '' ? 'no forwarding\n' : `from <${safe(this.#sender)}>\n${to}`
    }
    if (dryRun || recipients.length === 0) return this.#found()
    const line = variable(call, 'DTLINE') ?? ''
    const sent = await mailOn(name, call, { sender: this.#sender, recipients, line, message })
    if (!('queued' in sent)) return this.#ended(sent)
    this.#said += `${name}: qp ${sent.queued}\n`
    return this.#found()
  }

  #found(): ToolEnd {
    return this.#end(this.#run.passThrough ? 99 : 0)
  }

  #end(exit: number): ToolEnd {
    return { exit, out: '', err: this.#said }
  }

  #ended(end: ToolEnd): ToolEnd {
    return { ...end, err: this.#said + end.err }
  }
}

const circle = fatal(name, 100, 'this address leads to nobody but itself (#5.4.6)')

/** Each ends in a NUL; what does not is none. */
function ended(commands: string): readonly string[] {
  return commands.split('\0').slice(0, -1)
}

function isList(command: string): boolean {
  return /^[./]/.test(command)
}

function isForward(command: string): boolean {
  return command.startsWith('&') && command.length < mostCommandBytes
}

/** As it may be shown on a terminal. */
function safe(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it hides
  return text.replace(/[\x00-\x1f\x80-\xff]/g, '_')
}
