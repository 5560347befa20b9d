/**
 * Dialogues as files: what the client says, what the server must say to it, and what happens around them.
 *
 * Beside what may stand in any dialogue (formats/dialogue-file.ts), for tests:
 *
 *   AFTER 300s                 time passes
 *   COMMITTED 1                so many messages are in the queue
 *   SETTINGS maxErrors 3       changes what the receiver is set to
 *   POLICY rcpt reject 5.1.1 No such user     what the policy rules from here on: pass, defer, reject, close, throw, accept
 *   POLICY message each pass | 5.2.2 Full     … for each recipient, where each is answered
 *   QUEUE DISK_FULL            the next commit fails
 */
import {
  bytesOfStep,
  dialogueWords,
  isExpectedLine,
  parseDialogueFile,
  type DialogueStep,
} from '../formats/dialogue-file.ts'
import { errorMessage, type ErrorCode } from '../mail/errors.ts'
import { errorCodes } from '../mail/errors.ts'
import { passRuling, type ObjectionRuling, type Ruling } from '../mail/ruling.ts'
import { isPermanent, isTransient } from '../mail/status.ts'
import type { WholeRuling } from '../smtp/policy.ts'
import { placementOf, type Script } from './scripted-policy.ts'
import { settled, type SmtpStage, type StageClient } from './smtp-stage.ts'

/** @throws where a line is none of the above */
export function parseDialogue(text: string): readonly DialogueStep[] {
  return parseDialogueFile(text, words)
}

/** Plays the client's part. `byteByByte`: every byte in a piece of its own. @throws where the server does otherwise */
export async function playDialogue(
  steps: readonly DialogueStep[],
  stage: SmtpStage,
  { byteByByte = false }: { readonly byteByByte?: boolean } = {},
): Promise<void> {
  const player = new Player(stage, byteByByte)
  for (const step of steps) {
    try {
      await player.play(step)
    } catch (error) {
      const reason = errorMessage(error)
      throw new Error(`line ${step.line}, ${step.word} ${step.text}: ${reason}`, { cause: error })
    }
  }
  await player.finish()
}

const words: ReadonlySet<string> = new Set([
  ...dialogueWords,
  'AFTER',
  'COMMITTED',
  'SETTINGS',
  'POLICY',
  'QUEUE',
])

class Player {
  readonly #stage: SmtpStage
  readonly #byteByByte: boolean
  #client: StageClient | undefined
  #unsent = ''

  constructor(stage: SmtpStage, byteByByte: boolean) {
    this.#stage = stage
    this.#byteByByte = byteByByte
  }

  async play({ word, text }: DialogueStep): Promise<void> {
    const { clock, policy, queue } = this.#stage
    if (word === 'C:') this.#unsent += `${bytesOfStep(text)}\r\n`
    else if (word === 'C<') this.#unsent += bytesOfStep(text)
    else await this.#send()
    switch (word) {
      case 'S:':
        expectLine(await (await this.#dial()).line(), text)
        break
      case 'S<':
        await this.#readUpTo(text)
        break
      case 'TLS':
        await (
          await this.#dial()
        ).connection.startTls({ side: 'client', servername: '', verify: false, timeoutMs: 1_000 })
        break
      case 'AFTER':
        await settled()
        clock.advance(Number.parseInt(text, 10) * 1_000)
        break
      case 'CLOSED':
        await settled()
        if (this.#client?.closed !== true) throw new Error('the connection is open')
        break
      case 'COMMITTED':
        await settled()
        if (queue.commits.length !== Number(text)) throw new Error(`it is ${queue.commits.length}`)
        break
      case 'SETTINGS': {
        const [, key = '', value = ''] = /^(\S+) (.*)$/.exec(text) ?? []
        const given: unknown = JSON.parse(value)
        const setting = key === 'etrnClients' ? { has: () => given === true } : given
        policy.settings = { ...policy.settings, [key]: setting }
        break
      }
      case 'POLICY':
        rule(policy.script, text)
        break
      case 'QUEUE':
        queue.refuseNextCommit(errorCode(text))
        break
    }
  }

  /** Whatever the server said beyond the dialogue is a mistake. */
  async finish(): Promise<void> {
    await this.#send()
    await settled()
    const unread = this.#client?.unread ?? ''
    if (unread !== '') throw new Error(`at the end the server also says: ${JSON.stringify(unread)}`)
    this.#client?.connection.destroy()
  }

  /** @throws where the server says all it has to say without it */
  async #readUpTo(pattern: string): Promise<void> {
    const client = await this.#dial()
    while (!isExpectedLine(await client.line(), pattern));
  }

  async #dial(): Promise<StageClient> {
    return (this.#client ??= await this.#stage.dial())
  }

  async #send(): Promise<void> {
    const text = this.#unsent
    this.#unsent = ''
    if (text === '') return
    const client = await this.#dial()
    if (this.#byteByByte) for (const byte of text) client.send(byte)
    else client.send(text)
  }
}

function expectLine(line: string, pattern: string): void {
  if (!isExpectedLine(line, pattern)) throw new Error(`the server says: ${line}`)
}

function rule(script: Script, text: string): void {
  const [stage, ruling, status = '', ...rest] = text.split(' ')
  const answer = (): typeof passRuling | ObjectionRuling => {
    if (ruling === 'throw') throw new Error('a bug in the policy')
    return ruling === 'pass' ? passRuling : objectionOf(ruling === 'close', status, rest.join(' '))
  }
  switch (stage) {
    case 'connect':
    case 'hello':
    case 'mail':
    case 'rcpt':
    case 'data':
      script[stage] = () => answer()
      break
    case 'message':
      if (ruling === 'pass') delete script.message
      else if (ruling === 'each') script.message = eachRuling([status, ...rest].join(' '))
      else script.message = () => objectionFrom(answer())
      break
    case 'auth':
      script.auth = () =>
        ruling === 'accept' ? { ruling: 'accept', user: status } : objectionFrom(answer())
      break
    case undefined:
    default:
      throw new Error('there is no such stage')
  }
}

/** `pass | 5.2.2 Full | 4.3.0 Later`, in the order of the recipients. */
function eachRuling(text: string): NonNullable<Script['message']> {
  const recipients = text.split(' | ').map((part): Ruling => {
    const [status = '', ...words] = part.split(' ')
    return status === 'pass' ? passRuling : objectionOf(false, status, words.join(' '))
  })
  const objections = recipients.filter((ruling) => ruling.ruling !== 'pass')
  return ({ transaction, answers }) => {
    if (answers === 'one') throw new Error('the recipients are not answered one by one')
    const passing = transaction.recipients.filter((_, i) => recipients[i]?.ruling === 'pass')
    const [first] = objections
    const commit: WholeRuling = {
      ruling: 'commit',
      placements: [placementOf({ ...transaction, recipients: passing })],
    }
    const whole = passing.length > 0 || first === undefined ? commit : first
    return { ruling: 'each', recipients, whole }
  }
}

function objectionFrom(ruling: typeof passRuling | ObjectionRuling): ObjectionRuling {
  if (ruling.ruling === 'pass') throw new Error('a pass is no answer here')
  return ruling
}

function objectionOf(close: boolean, status: string, text: string): ObjectionRuling {
  if (isTransient(status)) return { ruling: 'defer', status, text, close }
  if (isPermanent(status)) return { ruling: 'reject', status, text, close }
  throw new Error(`${status} is no status of an objection`)
}

function errorCode(text: string): ErrorCode {
  const isCode = (name: string): name is ErrorCode => Object.hasOwn(errorCodes, name)
  if (!isCode(text)) throw new Error('there is no such error code')
  return text
}
