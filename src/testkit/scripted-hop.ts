/**
 * An SMTP server that takes mail like any other, and at the steps a test names says something else,
 * says nothing, or hangs up. Listens nowhere by itself: hand `accepted` to a net.
 */
import type { Connection, TlsContext } from '../runtime/net.ts'
import { scriptedPeer, type ScriptedPeer } from './scripted-peer.ts'

/** Where the dialogue can be changed. `message` is the answer to the final dot. */
export type HopStep =
  | 'greeting'
  | 'EHLO'
  | 'HELO'
  | 'STARTTLS'
  | 'AUTH'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'message'
  | 'QUIT'
  | 'RSET'
  | 'XFORWARD'
  | 'LHLO'
  /** A chunk that is not the last; `message` answers that. */
  | 'BDAT'

/**
 * The reply without its final CRLF, or `silence`, or `hang-up` for what it does instead.
 * A function sees the line, or the message.
 */
export type HopAnswers = { readonly [S in HopStep]?: string | ((line: string) => string) }

export interface HopOptions {
  /** Keywords after EHLO. Default: PIPELINING, SIZE 1000000, 8BITMIME. */
  readonly extensions?: readonly string[]
  readonly answers?: HopAnswers
  /** By LMTP `message` answers once for each recipient, and a function sees that recipient. */
  readonly protocol?: 'smtp' | 'lmtp'
  /** What becomes of the TLS handshake. Default: that of a fake net succeeds. */
  readonly tls?: TlsContext | 'fails'
  /** The handshake comes before the greeting. */
  readonly implicitTls?: boolean
}

export interface TakenMail {
  readonly reversePath: string
  readonly recipients: readonly string[]
  /** With dot-stuffing removed, without the final dot. */
  readonly message: string
  readonly encrypted: boolean
}

export interface ScriptedHop {
  /** For `Net.listen`. */
  readonly accepted: (connection: Connection) => void
  /** Every line that was not message. */
  readonly commands: readonly string[]
  /** Connections so far. */
  readonly connections: number
  /** What it answered 250 to; by LMTP, at least once. */
  readonly taken: readonly TakenMail[]
}

const defaults: { readonly [S in HopStep]: string } = {
  greeting: '220 hop.test ESMTP',
  EHLO: '250',
  HELO: '250 hop.test',
  STARTTLS: '220 2.0.0 Go ahead',
  AUTH: '235 2.7.0 Welcome',
  MAIL: '250 2.1.0 Ok',
  RCPT: '250 2.1.5 Ok',
  DATA: '354 Go ahead',
  message: '250 2.0.0 Taken',
  QUIT: '221 2.0.0 Bye',
  RSET: '250 2.0.0 Ok',
  XFORWARD: '250 2.0.0 Ok',
  LHLO: '250',
  BDAT: '250 2.0.0 Next',
}

const verbs = [
  ...(['EHLO', 'HELO', 'LHLO', 'STARTTLS', 'AUTH', 'MAIL', 'RCPT'] as const),
  ...(['DATA', 'BDAT', 'QUIT', 'RSET', 'XFORWARD'] as const),
]

export function scriptedHop(options: HopOptions = {}): ScriptedHop {
  const { answers = {}, tls = { tlsContext: 'opaque' } } = options
  const { extensions = ['PIPELINING', 'SIZE 1000000', '8BITMIME'] } = options
  const commands: string[] = []
  let connections = 0
  const taken: TakenMail[] = []

  let mailed = true
  const usual = (step: HopStep): string =>
    !mailed && (step === 'RCPT' || step === 'DATA')
      ? '503 5.5.1 MAIL first'
      : standard(step, extensions)

  /** @returns the code, or undefined when the dialogue is over */
  const answer = (peer: ScriptedPeer, step: HopStep, line: string): number | undefined => {
    const given = answers[step]
    const text = typeof given === 'function' ? given(line) : (given ?? usual(step))
    if (text === 'hang-up') peer.hangUp()
    if (text === 'hang-up' || text === 'silence') return undefined
    peer.say(`${text}\r\n`)
    return Number(text.slice(0, 3))
  }

  /** @returns false when the dialogue is over */
  const judge = (peer: ScriptedPeer, mail: TakenMail): boolean => {
    const asked = options.protocol === 'lmtp' ? mail.recipients : [mail.message]
    let isTaken = false
    for (const about of asked) {
      const verdict = answer(peer, 'message', about)
      if (verdict === undefined) return false
      if (verdict === 421) peer.hangUp()
      if (verdict === 421) return false
      isTaken ||= verdict === 250
    }
    // An empty message for nobody is how a pipelining client gets out of DATA (RFC 2920 §3.1).
    if (isTaken && mail.recipients.length > 0) taken.push(mail)
    return true
  }

  const talk = async (peer: ScriptedPeer): Promise<void> => {
    let encrypted = false
    let mail: { reversePath: string; recipients: string[] } = { reversePath: '', recipients: [] }
    let chunks = ''
    if (options.implicitTls === true) {
      if (tls === 'fails') return peer.failTls()
      await peer.startTls(tls)
      encrypted = true
    }
    if (answer(peer, 'greeting', '') === undefined) return
    for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
      commands.push(line)
      const step = stepOf(line)
      if (step === 'BDAT') {
        const [, size = '', last] = /^BDAT (\d+)( LAST)?$/.exec(line) ?? []
        const chunk = await peer.take(Number(size))
        if (chunk === undefined) return
        chunks += chunk
        if (last === undefined) {
          if (answer(peer, 'BDAT', line) === undefined) return
          continue
        }
        const message = chunks
        chunks = ''
        if (!judge(peer, { ...mail, message, encrypted })) return
        continue
      }
      if (step === undefined) {
        peer.say('500 5.5.1 What?\r\n')
        continue
      }
      let code = answer(peer, step, line)
      while (step === 'AUTH' && code === 334) {
        const more = (await peer.line()) ?? ''
        commands.push(more)
        code = answer(peer, step, more)
      }
      if (code === undefined) return
      if (step === 'STARTTLS' && code === 220) {
        if (tls === 'fails') return peer.failTls()
        await peer.startTls(tls)
        encrypted = true
      }
      if (step === 'MAIL') mailed = code === 250
      if (step === 'MAIL') mail = { reversePath: pathOf(line), recipients: [] }
      if (step === 'RCPT' && code === 250) mail.recipients.push(pathOf(line))
      if (step === 'QUIT' || code === 421) return peer.hangUp()
      if (step !== 'DATA' || code !== 354) continue
      const data = await peer.data()
      if (data === undefined) return
      const message = data.slice(0, -3).replace(/^\./gm, '')
      if (!judge(peer, { ...mail, message, encrypted })) return
    }
  }
  // A client that breaks off in the middle of the handshake is what some tests are about.
  const accepted = (connection: Connection): void => {
    connections++
    void talk(scriptedPeer(connection)).catch(() => connection.destroy())
  }
  return {
    commands,
    taken,
    accepted,
    get connections() {
      return connections
    },
  }
}

function standard(step: HopStep, extensions: readonly string[]): string {
  if (step !== 'EHLO' && step !== 'LHLO') return defaults[step]
  const lines = ['hop.test', ...extensions]
  return lines.map((text, at) => `250${at < lines.length - 1 ? '-' : ' '}${text}`).join('\r\n')
}

function stepOf(line: string): HopStep | undefined {
  const verb = (/^[a-z]+/i.exec(line)?.[0] ?? '').toUpperCase()
  return verbs.find((known) => known === verb)
}

function pathOf(line: string): string {
  return /<(.*)>/.exec(line)?.[1] ?? ''
}
