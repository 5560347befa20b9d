/**
 * A session as a dialogue that can be played again. Promises: no secret is in it. What follows AUTH, every response within
 * a login, every challenge, and every line whose first word is no verb (whoever was refused may send the rest of a login
 * all the same) is `***`, and of the replies to those only the codes are kept. Bounded: what comes beyond is left out, and
 * the file says so.
 */
import { stepOfBytes } from '../formats/dialogue-file.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ConnectionFacts } from './policy.ts'
import type { SessionRecording } from './session-recording.ts'

export interface DialogueRecordingOptions {
  readonly facts: Pick<ConnectionFacts, 'id' | 'startedAt' | 'listener' | 'remote' | 'tls'>
  readonly clock: Clock
  /** Whether the bytes of messages are kept. */
  readonly bodies: boolean
  /** Of the text; what comes beyond is left out. */
  readonly maxBytes: number
  /** Called once, with all of it. */
  readonly done: (text: string) => void
}

const verbs: ReadonlySet<string> = new Set(
  'AUTH BDAT DATA EHLO ETRN EXPN HELO HELP LHLO MAIL NOOP QUIT RCPT RSET STARTTLS TURN VRFY XCLIENT XFORWARD'.split(
    ' ',
  ),
)
const mechanisms: ReadonlySet<string> = new Set(
  'CRAM-MD5 DIGEST-MD5 EXTERNAL GSSAPI LOGIN NTLM OAUTHBEARER PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS XOAUTH2'.split(
    ' ',
  ),
)
const masked = '***'
/** A time is said where so much has passed since the last. */
const noticeableMs = 5

export class DialogueRecording implements SessionRecording {
  readonly #options: DialogueRecordingOptions
  readonly #startMs: number
  #text = ''
  #full = false
  #saidMs = 0
  /** The last line of the client is not kept: the reply might quote it. */
  #secret = false
  /** What has come of a line of a message. */
  #partial = ''
  #bodyBytes = 0
  /** The command that the message belongs to. */
  #verb = ''
  #over = false

  constructor(options: DialogueRecordingOptions) {
    this.#options = options
    this.#startMs = options.clock.monotonicMs()
    const { id, startedAt, listener, remote, tls } = options.facts
    const at = new Date(startedAt).toISOString()
    this.#put(`# ${at}, session ${id} from ${remote.address}, listener ${stepOfBytes(listener)}`)
    if (tls !== undefined) this.#put('TLS')
  }

  line(text: string, inLogin: boolean): void {
    const [verb = ''] = text.split(' ')
    this.#verb = verb.toUpperCase()
    const isVerb = !inLogin && verbs.has(this.#verb)
    this.#secret = !isVerb || this.#verb === 'AUTH'
    if (!isVerb) this.#client(masked)
    else if (this.#verb === 'AUTH') this.#client(maskedLogin(text))
    else this.#client(stepOfBytes(text))
  }

  spoilt(): void {
    this.#secret = true
    this.#verb = ''
    this.#client(masked)
  }

  message(bytes: Uint8Array): void {
    if (!this.#options.bodies) {
      this.#bodyBytes += bytes.length
      return
    }
    if (this.#full) return
    const lines = (this.#partial + Buffer.from(bytes).toString('latin1')).split('\r\n')
    this.#partial = lines.pop() ?? ''
    for (const line of lines) this.#client(stepOfBytes(line))
    if (this.#partial.length > this.#options.maxBytes) this.#flushPartial()
  }

  said(text: string): void {
    this.#endMessage()
    this.#time()
    const { id } = this.#options.facts
    for (const line of text.split('\r\n')) {
      if (line === '') continue
      const general = line.replaceAll(id, '*').replace(/queued as \S+/g, 'queued as *')
      this.#put(`S: ${this.#secret ? codesOf(line) : printableLine(general)}`)
    }
  }

  secured(): void {
    this.#put('TLS')
  }

  ended(byUs: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#endMessage()
    if (byUs) this.#put('CLOSED')
    this.#options.done(`${this.#text}${this.#full ? '# what followed is not kept\n' : ''}`)
    this.#text = ''
  }

  #client(text: string): void {
    this.#time()
    // A blank at the end would be lost on the way through an editor.
    this.#put(`C: ${text.replace(/ $/, '\\x20')}`)
  }

  /** Of a message that is not kept its end stands, so that the dialogue can be played. */
  #endMessage(): void {
    this.#flushPartial()
    if (this.#bodyBytes === 0) return
    this.#put(`# ${this.#bodyBytes} bytes of a message are not kept`)
    if (this.#verb === 'DATA') this.#put('C: .')
    this.#bodyBytes = 0
  }

  #flushPartial(): void {
    if (this.#partial === '') return
    this.#put(`C< ${stepOfBytes(this.#partial)}`)
    this.#partial = ''
  }

  #time(): void {
    const nowMs = this.#options.clock.monotonicMs() - this.#startMs
    if (nowMs - this.#saidMs < noticeableMs) return
    this.#saidMs = nowMs
    this.#put(`# ${(nowMs / 1000).toFixed(3)}s`)
  }

  #put(line: string): void {
    if (this.#text.length + line.length > this.#options.maxBytes) this.#full = true
    if (!this.#full) this.#text += `${line}\n`
  }
}

/** The mechanism stays, if it is one; an initial response may stand in its place. */
function maskedLogin(text: string): string {
  const [, mechanism = '', ...rest] = text.split(' ')
  const known = mechanisms.has(mechanism.toUpperCase())
  return ['AUTH', known ? mechanism : masked, ...(known && rest.length > 0 ? [masked] : [])].join(
    ' ',
  )
}

/** `535 5.7.8 *`; of a challenge `334 *`. */
function codesOf(line: string): string {
  const [codes = ''] = /^\d{3}[ -](?:[245]\.\d{1,3}\.\d{1,3} )?/.exec(line) ?? []
  return `${codes}*`
}

function printableLine(line: string): string {
  return line.replace(/[^ -~]+/g, '*')
}
