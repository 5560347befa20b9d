/**
 * The client of a policy test: says what the test says, in the order of the protocol, and keeps every reply. It goes on
 * as far as it is let, as a client would; time passes only while it waits.
 */
import type { PolicyTest, TestStage } from '../config/policy-tests.ts'
import { systemClock } from '../runtime/node/clock.ts'
import type { FakeClock } from '../testkit/fake-clock.ts'
import { settled, type StageClient } from '../testkit/smtp-stage.ts'

export interface ClientReply {
  readonly stage: TestStage
  /** The recipient it was about; of a message, where each is answered. */
  readonly recipient?: string
  /** The RCPT it answers, from 1; 0 outside `rcpt`. */
  readonly round: number
  readonly code: number
  /** Empty where the reply had none. */
  readonly status: string
  readonly text: string
}

export interface ClientScript {
  readonly test: PolicyTest
  readonly message: Uint8Array | undefined
  readonly clock: FakeClock
  /** A TLS handshake comes before the greeting. */
  readonly implicitTls: boolean
  readonly lmtp: boolean
  /** Time passes as it does: somebody real is asked. */
  readonly realTime: boolean
}

/** What is said when nothing comes at all. */
export class NoReply extends Error {}

export async function playClient(
  client: StageClient,
  script: ClientScript,
): Promise<readonly ClientReply[]> {
  const session = new ClientSession(client, script)
  await session.play()
  return session.replies
}

class ClientSession {
  readonly replies: ClientReply[] = []
  readonly #client: StageClient
  readonly #script: ClientScript

  constructor(client: StageClient, script: ClientScript) {
    this.#client = client
    this.#script = script
  }

  async play(): Promise<void> {
    const { test, implicitTls } = this.#script
    if (implicitTls) await this.#handshake()
    if ((await this.#hear('connect')).code !== 220) return
    if (!(await this.#greet())) return
    if (test.login !== undefined) {
      const proof = Buffer.from(`\0${test.login}\0${testPassword}`).toString('base64')
      if ((await this.#ask('auth', `AUTH PLAIN ${proof}`)).code !== 235) return
    }
    if (test.from !== undefined && !this.#client.closed) await this.#mail(test.from)
    if (!this.#client.closed) this.#client.send('QUIT\r\n')
    await settled()
  }

  async #greet(): Promise<boolean> {
    const { test, implicitTls, lmtp } = this.#script
    const hello = `${lmtp ? 'LHLO' : 'EHLO'} ${test.hello}`
    const { code } = await this.#ask('hello', hello)
    if (code !== 250 || !test.tls || implicitTls) return code === 250
    this.#client.send('STARTTLS\r\n')
    const answer = await this.#next()
    if (!answer.startsWith('220')) throw new NoReply(`STARTTLS was answered ${answer}`)
    await this.#handshake()
    this.replies.pop()
    return (await this.#ask('hello', hello)).code === 250
  }

  async #mail(from: string): Promise<void> {
    const { test, message } = this.#script
    const parameters = test.mail_parameters === '' ? '' : ` ${test.mail_parameters}`
    if ((await this.#ask('mail', `MAIL FROM:<${from}>${parameters}`)).code !== 250) return
    const taken: string[] = []
    for (const recipient of test.to) {
      const about = { recipient, round: this.#rounds() + 1 }
      // oxlint-disable-next-line no-await-in-loop -- one command after the other
      const { code } = await this.#ask('rcpt', `RCPT TO:<${recipient}>`, about)
      if (code === 250) taken.push(recipient)
      if (this.#client.closed) return
    }
    if (message === undefined || taken.length === 0) return
    if ((await this.#ask('data', 'DATA')).code === 354) await this.#send(message, taken)
  }

  async #send(message: Uint8Array, taken: readonly string[]): Promise<void> {
    this.#client.send(stuffed(message))
    const answered = this.#script.lmtp ? taken : [undefined]
    for (const recipient of answered) {
      // oxlint-disable-next-line no-await-in-loop -- in the order of the recipients
      await this.#hear('message', recipient === undefined ? {} : { recipient })
    }
  }

  #rounds(): number {
    return this.replies.filter(({ stage }) => stage === 'rcpt').length
  }

  #ask(
    stage: TestStage,
    line: string,
    about?: { readonly recipient: string; readonly round: number },
  ): Promise<ClientReply> {
    this.#client.send(`${line}\r\n`)
    return this.#hear(stage, about)
  }

  async #hear(
    stage: TestStage,
    about: { readonly recipient?: string; readonly round?: number } = {},
  ): Promise<ClientReply> {
    const text = await this.#next()
    const last = text.split('\n').at(-1) ?? ''
    const [, status = ''] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3}) /.exec(last) ?? []
    const words = last.slice(status === '' ? 4 : 5 + status.length)
    const reply = { stage, round: 0, ...about, code: Number(text.slice(0, 3)), status, text: words }
    this.replies.push(reply)
    return reply
  }

  async #handshake(): Promise<void> {
    const shaken = this.#client.connection.startTls({
      side: 'client',
      servername: '',
      verify: false,
      timeoutMs: 30_000,
    })
    await settled()
    await shaken
  }

  /**
   * The next whole reply. What is real (files, modules) is given its time first; then the clock goes on, so that who
   * keeps a client waiting does not keep the test.
   */
  async #next(): Promise<string> {
    const { clock, realTime } = this.#script
    for (let turn = 0; turn < mostTurns; turn++) {
      // oxlint-disable-next-line no-await-in-loop -- waiting is what it does
      await settled()
      if (/^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.test(this.#client.unread)) {
        return this.#client.reply()
      }
      if (this.#client.closed) throw new NoReply('the connection was closed')
      // oxlint-disable-next-line no-await-in-loop -- waiting is what it does
      await realMs(turnMs)
      if (realTime) clock.advance(turnMs)
      else if (turn >= patientTurns) clock.advance(hurryMs)
    }
    throw new NoReply('nothing was answered')
  }
}

/** Any would do: whoever logs in is believed. */
export const testPassword = 'policy test'

const turnMs = 2
const patientTurns = 25
const hurryMs = 200
const mostTurns = 10_000

/** By turns of the event loop: a timer alone would not keep a command alive. */
async function realMs(delayMs: number): Promise<void> {
  const untilMs = systemClock.monotonicMs() + delayMs
  // oxlint-disable-next-line no-await-in-loop -- waiting is what it does
  while (systemClock.monotonicMs() < untilMs) await settled()
}

/** Line ends as SMTP has them, dots doubled at the beginning of a line (RFC 5321 §4.5.2), and the end. */
function stuffed(message: Uint8Array): string {
  const text = Buffer.from(message)
    .toString('latin1')
    .replaceAll(/\r?\n/g, '\r\n')
    .replaceAll(/^\./gm, '..')
  return `${text}${text.endsWith('\r\n') ? '' : '\r\n'}.\r\n`
}
