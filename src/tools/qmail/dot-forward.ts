/** `dot-forward [-nN] file …`: obeys a .forward file as sendmail does. */
import { completeAddress } from '../../formats/forwarding/complete-address.ts'
import { listedRecipients } from '../../formats/forwarding/listed-recipients.ts'
import { errorWords } from '../../formats/error-words.ts'
import { getopt } from '../../formats/getopt.ts'
import { latin1, lowerAscii, utf8Octets } from '../../formats/octets.ts'
import { isPosternError } from '../../mail/errors.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { errnoOf } from '../../runtime/node/made-file.ts'
import { runDeliveryProgram } from './delivery-program.ts'
import { qualifiersIn } from './qualifiers.ts'
import { mailOn, variable, wholeInput, type Surroundings } from './surroundings.ts'
import { fatal, usage, type ToolEnd } from './tool-end.ts'

const name = 'dot-forward'

/** @param folder that holds `control/` */
export async function dotForward(call: Surroundings, folder: string): Promise<ToolEnd> {
  const { options, rest, illegal } = getopt(call.args, 'nN')
  if (illegal !== undefined) return usage(name, 'dot-forward [ -nN ] file ...')
  const dryRun = options.at(-1)?.letter === 'n'
  let said = ''
  const message = dryRun ? new Uint8Array() : await wholeInput(call)
  for (const path of rest) {
    const bytes = contentOf(path)
    if (bytes === undefined) continue
    if ('exit' in bytes) return { ...bytes, err: said + bytes.err }
    const file = new ForwardFile({ call, folder, message, dryRun })
    // oxlint-disable-next-line no-await-in-loop -- the first that says anything is the last
    const end = await file.obey(latin1(bytes))
    said += end?.err ?? ''
    if (end !== undefined) return { ...end, err: said }
    if (dryRun) said += `skipping empty file ${utf8Octets(path)}\n`
  }
  return { exit: 0, out: '', err: dryRun ? `${said}direct delivery\n` : said }
}

function contentOf(path: string): Uint8Array | ToolEnd | undefined {
  try {
    return systemDisk.readFileNow(path)
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return undefined
    return fatal(name, 111, `unable to open ${utf8Octets(path)}: ${errorWords(errnoOf(error))}`)
  }
}

interface Obeying {
  readonly call: Surroundings
  readonly folder: string
  readonly message: Uint8Array
  readonly dryRun: boolean
}

class ForwardFile {
  readonly #obeying: Obeying
  readonly #recipients: string[] = []
  #acted = false
  /** The user has the message as well: the next line of .qmail says how. */
  #direct = false
  #said = ''

  constructor(obeying: Obeying) {
    this.#obeying = obeying
  }

  /** @returns `undefined` where nothing in it says anything */
  async obey(text: string): Promise<ToolEnd | undefined> {
    for (const line of text.split('\n')) {
      if (line.startsWith('#')) continue
      for (const item of listedRecipients(line, { includes: false })) {
        const trouble =
          item.kind === 'address'
            ? // oxlint-disable-next-line no-await-in-loop -- programs run in their order
              await this.#take(item.address, item.marked)
            : fatal(name, 111, `unable to parse this line: ${line}`)
        if (trouble !== undefined) return this.#ended(trouble)
      }
    }
    if (this.#recipients.length > 0) {
      const trouble = await this.#forward()
      if (trouble !== undefined) return this.#ended(trouble)
    }
    if (this.#direct) {
      if (this.#obeying.dryRun) this.#said += 'direct delivery\n'
      return this.#ended({ exit: 0, out: '', err: '' })
    }
    return this.#acted ? this.#ended({ exit: 99, out: '', err: '' }) : undefined
  }

  async #take(address: string, marked: boolean): Promise<ToolEnd | undefined> {
    if (address === '') return undefined
    if (this.#isOwn(address, marked)) {
      this.#acted = true
      this.#direct = true
      return undefined
    }
    if (!marked && address.startsWith('/')) {
      return fatal(name, 111, `file delivery ${address} not supported`)
    }
    if (!marked && address.startsWith('|')) return this.#pipe(address.slice(1))
    this.#acted = true
    const whole = completeAddress(address, marked, qualifiersIn(this.#obeying.folder))
    this.#recipients.push(whole)
    if (this.#obeying.dryRun) this.#said += `forward ${whole}\n`
    return undefined
  }

  #isOwn(address: string, marked: boolean): boolean {
    const { call } = this.#obeying
    const user = variable(call, 'USER') ?? ''
    const own = marked ? `${user}@${variable(call, 'HOST') ?? ''}` : user
    return lowerAscii(address) === lowerAscii(own)
  }

  async #pipe(command: string): Promise<ToolEnd | undefined> {
    const { call, message, dryRun } = this.#obeying
    this.#acted = true
    if (!dryRun) return runDeliveryProgram(name, { command, message, withLines: true }, call)
    this.#said += `pipe through ${command}\n`
    return undefined
  }

  async #forward(): Promise<ToolEnd | undefined> {
    const { call, message, dryRun } = this.#obeying
    if (dryRun) return undefined
    const sent = await mailOn(name, call, {
      sender: variable(call, 'NEWSENDER') ?? '',
      recipients: this.#recipients,
      line: variable(call, 'DTLINE') ?? '',
      message,
    })
    if ('queued' in sent) {
      this.#said += `${name}: qp ${sent.queued}\n`
      return undefined
    }
    return { ...sent, err: sent.err.replace('fatal: ', 'fatal: unable to forward message: ') }
  }

  #ended(end: ToolEnd): ToolEnd {
    return { ...end, err: this.#said + end.err }
  }
}
