/**
 * From the connection to the point where MAIL may be said: greeting, EHLO (or HELO, or LHLO), TLS as the policy has
 * it, login where the route has one. Nothing of the message has been mentioned before that, so whatever goes wrong
 * here is a reason to try the next host.
 */
import { isPosternError } from '../../mail/errors.ts'
import { printable } from '../../mail/reply.ts'
import type { RelayLogin } from '../../mail/route.ts'
import type { TlsState } from '../../mail/session.ts'
import type { TlsPolicy } from '../../mail/tls-policy.ts'
import type { TlsTrust } from '../../runtime/net.ts'
import { failureOf, type TlsFailure } from '../tls-rpt/sighting.ts'
import { extensionsOf, limitsOf, type Extensions, type HopLimits } from './extensions.ts'
import type { HopOptions } from './hop-connection.ts'
import type { Hop } from './hop-result.ts'
import { quoteReply, type HopReply } from './reply-reader.ts'
import { logIn } from './smtp-auth.ts'
import { SmtpClient } from './smtp-client.ts'
import type { SmtpTimeouts } from './smtp-timeouts.ts'

/** LMTP (RFC 2033) is SMTP that says LHLO and answers for each recipient after the message. */
export type Protocol = 'smtp' | 'lmtp'

/** A session that waits for MAIL. */
export interface SmtpSession {
  readonly client: SmtpClient
  readonly hop: Hop
  readonly protocol: Protocol
  readonly extensions: Extensions
  readonly limits: HopLimits
  readonly security: 'clear' | 'encrypted' | 'verified'
  /** The policy that let it be opened. */
  readonly policy: TlsPolicy
  /** Why nobody should believe its certificate, in Node's word; absent where there is none, or nothing against it. */
  readonly serverProblem?: string
  /** Why it is in the clear, where TLS was tried. */
  readonly tlsFailure?: string
  /** Who we are to the next hop, if a login succeeded. */
  readonly user?: string
  /** Why there was no login, where the route has one. */
  readonly noLogin?: string
}

export interface SessionOptions extends Omit<HopOptions, 'connectMs' | 'to'> {
  readonly hop: Hop
  readonly protocol: Protocol
  /** What we call ourselves in EHLO. */
  readonly helloName: string
  /** The name in the TLS handshake. */
  readonly servername: string
  readonly tls: TlsPolicy
  readonly trust?: TlsTrust
  readonly login?: RelayLogin
  readonly timeouts: SmtpTimeouts
}

/**
 * No session: the reply to the step that was refused, or TLS that is not to be had (which a policy may bear: then
 * again, in the clear).
 */
export type NoSession =
  | { readonly opened: 'refused'; readonly step: string; readonly reply: HopReply }
  | {
      readonly opened: 'no-tls'
      readonly why: string
      readonly failure: TlsFailure
      /** The connection broke on the way: the host may have TLS all the same. */
      readonly broken?: true
    }

export type OpenedSession =
  | { readonly opened: 'session'; readonly session: SmtpSession }
  | NoSession

/** @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED */
export async function openSession(options: SessionOptions): Promise<OpenedSession> {
  const { hop, timeouts } = options
  const client = await SmtpClient.connect({
    ...options,
    to: hop.to,
    connectMs: timeouts.connectMs,
  })
  try {
    const opened = await greet(client, options)
    if (opened.opened !== 'session') client.quit(timeouts.quitMs)
    return opened
  } catch (error) {
    client.destroy()
    throw error
  }
}

async function greet(client: SmtpClient, options: SessionOptions): Promise<OpenedSession> {
  const { timeouts, tls, login, hop } = options
  const { implicitTls = false } = hop
  if (implicitTls) {
    const shaken = await handshake(client, options)
    if ('opened' in shaken) return shaken
  }
  const greeting = await client.read(timeouts.greetingMs)
  if (greeting.code !== 220) return { opened: 'refused', step: 'greeting', reply: greeting }
  const clear = await sayHello(client, options, implicitTls ? secured(tls) : 'clear')
  if (clear.opened !== 'session') return clear
  const { session } = clear
  const demanded = tls.level === 'encrypt' || tls.level === 'verify'
  const wanted = demanded || (tls.level === 'may' && login?.withoutTls !== true)
  if (implicitTls || !wanted) return logInIfTold(session, options)
  if (session.extensions.has('STARTTLS')) {
    const secure = await orNoTls(() => startTls(session, options, demanded))
    return secure.opened === 'session' ? logInIfTold(secure.session, options) : secure
  }
  if (demanded) return noStartTls('it does not offer STARTTLS')
  return logInIfTold(session, options)
}

/** A host that hangs up, or falls silent, on the way into TLS has no TLS: it may be spoken to without. */
async function orNoTls(open: () => Promise<OpenedSession>): Promise<OpenedSession> {
  try {
    return await open()
  } catch (error) {
    if (!isPosternError(error) || error.code === 'ABORTED') throw error
    const why = printable(error.message)
    return { opened: 'no-tls', why, failure: failureOf(error), broken: true }
  }
}

/** Up to the hello that counts; or the session in the clear where TLS is refused and not demanded. */
async function startTls(
  clear: SmtpSession,
  options: SessionOptions,
  demanded: boolean,
): Promise<OpenedSession> {
  const { client } = clear
  const reply = await client.command('STARTTLS', options.timeouts.helloMs)
  if (reply.code === 421) return { opened: 'refused', step: 'STARTTLS', reply }
  if (reply.code !== 220) {
    if (!demanded) return { opened: 'session', session: clear }
    return noStartTls(`to STARTTLS it said: ${quoteReply(reply)}`)
  }
  const shaken = await handshake(client, options)
  if ('opened' in shaken) return shaken
  // What was said in the clear counts for nothing any more (RFC 3207 §4.2).
  const hello = await sayHello(client, options, secured(options.tls))
  if (hello.opened !== 'session') return hello
  const { serverProblem } = shaken
  const facts = serverProblem === undefined ? {} : { serverProblem }
  return { opened: 'session', session: { ...hello.session, ...facts } }
}

function noStartTls(why: string): NoSession {
  return { opened: 'no-tls', why, failure: 'starttls-not-supported' }
}

/** @returns what was agreed on, or what failed */
async function handshake(
  client: SmtpClient,
  { servername, tls, trust, timeouts }: SessionOptions,
): Promise<NoSession | TlsState> {
  const verify = tls.level === 'verify'
  const names = verify && tls.names !== undefined ? { names: tls.names } : {}
  const tlsa = verify && tls.tlsa !== undefined ? { tlsa: tls.tlsa } : {}
  const believed = trust === undefined ? {} : { trust }
  try {
    return await client.startTls({
      servername,
      verify,
      ...names,
      ...tlsa,
      ...believed,
      timeoutMs: timeouts.tlsMs,
    })
  } catch (error) {
    if (!isPosternError(error) || error.code === 'ABORTED') throw error
    return { opened: 'no-tls', why: printable(error.message), failure: failureOf(error) }
  }
}

function secured({ level }: TlsPolicy): SmtpSession['security'] {
  return level === 'verify' ? 'verified' : 'encrypted'
}

/** EHLO, or HELO for those who do not know it (RFC 5321 §3.2); LHLO has no elder (RFC 2033 §4.1). */
async function sayHello(
  client: SmtpClient,
  options: SessionOptions,
  security: SmtpSession['security'],
): Promise<OpenedSession> {
  const { hop, protocol, helloName, timeouts, tls } = options
  const facts = { client, hop, protocol, security, policy: tls }
  const verb = protocol === 'lmtp' ? 'LHLO' : 'EHLO'
  const ehlo = await client.command(`${verb} ${helloName}`, timeouts.helloMs)
  if (ehlo.code === 250) {
    const extensions = extensionsOf(ehlo)
    const session = { ...facts, extensions, limits: limitsOf(extensions) }
    return { opened: 'session', session }
  }
  const isUnknown = ehlo.code >= 500 && protocol === 'smtp'
  const helo = isUnknown ? await client.command(`HELO ${helloName}`, timeouts.helloMs) : ehlo
  if (helo.code !== 250) return { opened: 'refused', step: 'hello', reply: helo }
  const extensions: Extensions = new Map()
  return { opened: 'session', session: { ...facts, extensions, limits: limitsOf(extensions) } }
}

/** A password never goes out in the clear unless the route says so; without a login mail is sent as anybody's. */
async function logInIfTold(
  session: SmtpSession,
  { login, timeouts }: SessionOptions,
): Promise<OpenedSession> {
  const encrypted = session.security !== 'clear'
  if (login === undefined) return { opened: 'session', session }
  const without = (noLogin: string): OpenedSession => {
    return { opened: 'session', session: { ...session, noLogin } }
  }
  if (!encrypted && !login.withoutTls) return without('there was no TLS')
  const { client, extensions } = session
  const offered = (extensions.get('AUTH') ?? '').toUpperCase().split(/ +/)
  const reply = await logIn(client, { login, offered, encrypted, timeoutMs: timeouts.mailMs })
  if (reply === undefined) return without('it offers none of PLAIN, LOGIN and CRAM-MD5')
  if (reply.code !== 235) return { opened: 'refused', step: 'login', reply }
  return { opened: 'session', session: { ...session, user: login.user } }
}
