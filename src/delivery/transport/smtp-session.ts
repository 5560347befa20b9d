/**
 * From the connection to the point where MAIL may be said: greeting, EHLO (or HELO), STARTTLS where it is
 * offered, login where the route has one. Nothing of the message has been mentioned before that, so
 * whatever goes wrong here is a reason to try the next host.
 */
import { isPosternError, type PosternError } from '../../mail/errors.ts'
import type { RelayLogin } from '../../mail/route.ts'
import { logIn } from './smtp-auth.ts'
import type { HopReply } from './reply-reader.ts'
import { SmtpClient, type SmtpClientOptions } from './smtp-client.ts'
import type { SmtpTimeouts } from './smtp-timeouts.ts'

/** Keywords of the EHLO reply in upper case, with their parameters (RFC 5321 §4.1.1.1). Empty after HELO. */
export type Extensions = ReadonlyMap<string, string>

/** A session that waits for MAIL. */
export interface SmtpSession {
  readonly client: SmtpClient
  readonly extensions: Extensions
  /** Who we are to the next hop, if a login succeeded. */
  readonly user?: string
}

export interface SessionOptions extends Omit<SmtpClientOptions, 'connectMs'> {
  /** What we call ourselves in EHLO. */
  readonly helloName: string
  /** The name in the TLS handshake. */
  readonly servername: string
  /** `may`: encrypt where it is offered, believe any certificate. `none`: do not. */
  readonly tls: 'may' | 'none'
  readonly login?: RelayLogin
  readonly timeouts: SmtpTimeouts
}

/** No session: the reply to the step that was refused, or TLS that failed, which means: try again in the clear. */
export type NoSession =
  | { readonly opened: 'refused'; readonly step: string; readonly reply: HopReply }
  | { readonly opened: 'no-tls'; readonly error: PosternError }

export type OpenedSession =
  | { readonly opened: 'session'; readonly session: SmtpSession }
  | NoSession

/** @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED */
export async function openSession(options: SessionOptions): Promise<OpenedSession> {
  const client = await SmtpClient.connect({ ...options, connectMs: options.timeouts.connectMs })
  try {
    const opened = await greet(client, options)
    if (opened.opened !== 'session') client.quit(options.timeouts.quitMs)
    return opened
  } catch (error) {
    client.destroy()
    throw error
  }
}

async function greet(client: SmtpClient, options: SessionOptions): Promise<OpenedSession> {
  const greeting = await client.read(options.timeouts.greetingMs)
  if (greeting.code !== 220) return { opened: 'refused', step: 'greeting', reply: greeting }
  const hello = await sayHello(client, options)
  if (hello.opened !== 'session') return hello
  const { extensions } = hello.session
  const wanted = options.tls === 'may' && options.login?.withoutTls !== true
  if (!wanted || !extensions.has('STARTTLS')) return logInIfTold(hello.session, options, false)
  return encrypt(hello.session, options)
}

async function encrypt(clear: SmtpSession, options: SessionOptions): Promise<OpenedSession> {
  const { client } = clear
  const { timeouts, servername } = options
  const reply = await client.command('STARTTLS', timeouts.helloMs)
  if (reply.code === 421) return { opened: 'refused', step: 'STARTTLS', reply }
  if (reply.code !== 220) return logInIfTold(clear, options, false)
  try {
    await client.startTls(servername, timeouts.tlsMs)
  } catch (error) {
    if (isPosternError(error) && error.code !== 'ABORTED') return { opened: 'no-tls', error }
    throw error
  }
  const hello = await sayHello(client, options)
  return hello.opened === 'session' ? logInIfTold(hello.session, options, true) : hello
}

/** EHLO, or HELO for those who do not know it (RFC 5321 §3.2). */
async function sayHello(client: SmtpClient, options: SessionOptions): Promise<OpenedSession> {
  const { helloName, timeouts } = options
  const ehlo = await client.command(`EHLO ${helloName}`, timeouts.helloMs)
  if (ehlo.code === 250) {
    return { opened: 'session', session: { client, extensions: extensionsOf(ehlo) } }
  }
  const helo = ehlo.code < 500 ? ehlo : await client.command(`HELO ${helloName}`, timeouts.helloMs)
  if (helo.code !== 250) return { opened: 'refused', step: 'hello', reply: helo }
  return { opened: 'session', session: { client, extensions: new Map() } }
}

function extensionsOf({ lines }: HopReply): Extensions {
  const extensions = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const [, keyword, parameters = ''] = /^([a-z\d][a-z\d-]*)(?:[ =](.*))?$/i.exec(line) ?? []
    if (keyword !== undefined) extensions.set(keyword.toUpperCase(), parameters.trim())
  }
  return extensions
}

/** A password never goes out in the clear unless the route says so; without a login mail is sent as anybody's. */
async function logInIfTold(
  session: SmtpSession,
  { login, timeouts }: SessionOptions,
  encrypted: boolean,
): Promise<OpenedSession> {
  if (login === undefined || !(encrypted || login.withoutTls)) return { opened: 'session', session }
  const { client, extensions } = session
  const offered = (extensions.get('AUTH') ?? '').toUpperCase().split(/ +/)
  const reply = await logIn(client, { login, offered, timeoutMs: timeouts.mailMs })
  if (reply === undefined) return { opened: 'session', session }
  if (reply.code !== 235) return { opened: 'refused', step: 'login', reply }
  return { opened: 'session', session: { ...session, user: login.user } }
}
