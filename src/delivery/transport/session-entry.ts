/** A session with one host, under the terms of its TLS policy, or why there is none. */
import type { RelayLogin } from '../../mail/route.ts'
import type { TlsPolicy } from '../../mail/tls-policy.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import type { Net, TlsTrust } from '../../runtime/net.ts'
import type { TlsOutcome } from '../tls-rpt/sighting.ts'
import type { Found } from './found.ts'
import { notSecure, trouble, turnedAway, type Hop } from './hop-result.ts'
import { isIpv6 } from './mail-exchangers.ts'
import { openSession, type Protocol, type SmtpSession } from './smtp-session.ts'
import type { SmtpTimeouts } from './smtp-timeouts.ts'

export interface EnterDoors {
  readonly net: Net
  readonly clock: Clock
  readonly log: Log
}

export interface EnterSettings {
  /** What we call ourselves in EHLO (control/helohost). */
  readonly helloName: string
  readonly timeouts: SmtpTimeouts
  /** Addresses of ours to connect from (control/outgoingip): the first of the peer's family is taken. */
  readonly sourceAddresses: readonly string[]
  /** Whose certificates are believed. Absent: the system's authorities'. */
  readonly trust?: TlsTrust
}

export interface Terms {
  readonly settings: EnterSettings
  readonly signal: AbortSignal
  readonly protocol: Protocol
  readonly tls: TlsPolicy
  readonly login?: RelayLogin
  /** `mx`: the host's name is only the DNS's word, unless the policy says `verify`. */
  readonly lookup: 'mx' | 'host'
  /** RFC 8689: only a host whose name is verified and that promises the same. */
  readonly requireTls: boolean
  /** Told what came of the first attempt to speak by TLS; of a peer that turns us away before, nothing. */
  readonly seen?: (outcome: TlsOutcome & Pick<SmtpSession, 'serverProblem'>) => void
}

export async function enter(
  doors: EnterDoors,
  hop: Hop,
  terms: Terms,
): Promise<Found<SmtpSession>> {
  const { requireTls, settings, seen } = terms
  if (requireTls && !isNameTrusted(terms)) return { result: unprotected(hop) }
  const tls: TlsPolicy = requireTls ? { ...terms.tls, level: 'verify' } : terms.tls
  // Where TLS only may be, a handshake that fails costs the encryption, not the mail.
  const mayFallBack = tls.level === 'may' && hop.implicitTls !== true
  let tlsFailure: string | undefined
  for (const level of mayFallBack ? (['may', 'none'] as const) : [tls.level]) {
    try {
      const opened = await openSession(
        sessionOptions(doors, hop, { ...terms, tls: { ...tls, level } }),
      )
      if (opened.opened === 'refused') return { result: turnedAway(hop, opened.step, opened.reply) }
      if (opened.opened === 'session') {
        if (level !== 'none' || !mayFallBack) seen?.(outcomeOf(opened.session))
        const failed = tlsFailure === undefined ? {} : { tlsFailure }
        const session = { ...opened.session, policy: terms.tls, ...failed }
        return admit(session, requireTls, settings.timeouts)
      }
      const { why, failure, broken = false } = opened
      tlsFailure = why
      seen?.({ failure, reason: why })
      doors.log.warn('smtp.tls_failed', { host: hop.name, address: hop.address, error: why })
      // Only what a host says of itself fails a message; a connection that breaks is another matter next time.
      if (!mayFallBack)
        return { result: requireTls && !broken ? unprotected(hop) : notSecure(hop, why) }
    } catch (error) {
      return { result: trouble(hop, error) }
    }
  }
  throw new Error('a session in the clear wanted TLS')
}

function outcomeOf({ security, serverProblem }: SmtpSession): Parameters<Terms['seen'] & {}>[0] {
  if (security === 'clear') return { failure: 'starttls-not-supported' }
  return serverProblem === undefined ? {} : { serverProblem }
}

function sessionOptions(
  { net, clock }: EnterDoors,
  hop: Hop,
  { settings, signal, protocol, tls, login }: Terms,
): Parameters<typeof openSession>[0] {
  const { timeouts, helloName, sourceAddresses, trust } = settings
  const source =
    'path' in hop.to
      ? undefined
      : sourceAddresses.find((address) => isIpv6(address) === isIpv6(hop.address))
  return {
    net,
    clock,
    timeouts,
    hop,
    protocol,
    // With TLSA records the name that they stand at: a host may have a certificate for each of its names (RFC 7672 §8.1).
    servername: (tls.tlsa && tls.names?.[0]) ?? hop.name,
    helloName,
    signal,
    tls,
    ...(source === undefined ? {} : { localAddress: source }),
    ...(trust === undefined ? {} : { trust }),
    ...(login === undefined ? {} : { login }),
  }
}

function admit(
  session: SmtpSession,
  requireTls: boolean,
  { quitMs }: SmtpTimeouts,
): Found<SmtpSession> {
  if (!requireTls || session.extensions.has('REQUIRETLS')) return { found: session }
  session.client.quit(quitMs)
  return { result: unprotected(session.hop) }
}

/** Whether the name that a certificate is held against comes from somebody better than the DNS (RFC 8689 §4.2.1). */
function isNameTrusted({ lookup, tls }: Terms): boolean {
  return lookup === 'host' || tls.level === 'verify'
}

function unprotected({ address }: Hop): Found<SmtpSession>['result'] & {} {
  const text = `${address} does not protect mail as its sender requires (REQUIRETLS)`
  return { outcome: 'failed', status: '5.7.30', text }
}
