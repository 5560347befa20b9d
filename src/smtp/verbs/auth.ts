/**
 * AUTH (RFC 4954 §4): the framing of a login in lines of base64. Mechanisms know what is inside, the policy knows who
 * it is. Passwords go to the policy and nowhere else.
 */
import type { MaybePromise } from '../../mail/maybe-promise.ts'
import type { Reply } from '../../mail/reply.ts'
import type { ObjectionRuling } from '../../mail/ruling.ts'
import { parseAuth } from '../command.ts'
import type { Dialogue } from '../dialogue.ts'
import type { AuthMechanism } from '../policy.ts'
import * as replies from '../replies.ts'
import { decodeBase64 } from '../sasl/base64.ts'
import { cramMd5Exchange } from '../sasl/cram-md5.ts'
import type { SaslExchange, SaslStep, SaslSurroundings } from '../sasl/exchange.ts'
import { loginExchange } from '../sasl/login.ts'
import { plainExchange } from '../sasl/plain.ts'
import { scramExchange } from '../sasl/scram.ts'
import type { Verb } from './verb.ts'

/** RFC 4954 §4 for responses; the command itself gets as much, since clients put the first response into it. */
export const authLineBytes = 12_288 + 2

const exchanges: {
  readonly [M in AuthMechanism]: (surroundings: SaslSurroundings) => SaslExchange
} = {
  PLAIN: plainExchange,
  LOGIN: loginExchange,
  'CRAM-MD5': cramMd5Exchange,
  'SCRAM-SHA-256': scramExchange,
}

export const auth: Verb = {
  needs: ['tls', 'ehlo', 'no transaction'],
  maxLineBytes: authLineBytes,
  run(dialogue, rest) {
    const { session, settings, clock, random } = dialogue
    if (settings.mechanisms.length === 0 || settings.extensionsOff.includes('AUTH')) {
      return replies.notImplemented
    }
    const parsed = parseAuth(rest)
    if (!parsed.ok) return parsed.reply
    if (session.user !== undefined) return replies.loggedInAlready
    const { mechanism, initialResponse } = parsed.value
    const offered = settings.mechanisms.find((name) => name === mechanism)
    if (offered === undefined) return replies.unknownMechanism
    if (!dialogue.offers('AUTH')) return replies.mechanismNeedsTls
    const exchange = exchanges[offered]({ hostname: settings.hostname, clock, random })
    if (initialResponse === undefined) return advance(dialogue, exchange, undefined)
    return respond(dialogue, exchange, initialResponse === '=' ? '' : initialResponse)
  },
}

/** One line of an exchange that is on its way. */
export function continueLogin(
  dialogue: Dialogue,
  exchange: SaslExchange,
  line: string,
): MaybePromise<Reply> {
  dialogue.login = undefined
  if (line === '*') return replies.loginCancelled
  return respond(dialogue, exchange, line.trimEnd())
}

function respond(
  dialogue: Dialogue,
  exchange: SaslExchange,
  response: string,
): MaybePromise<Reply> {
  const bytes = decodeBase64(response)
  return bytes === undefined ? replies.loginMalformed : advance(dialogue, exchange, bytes)
}

function advance(
  dialogue: Dialogue,
  exchange: SaslExchange,
  response: Buffer | undefined,
): MaybePromise<Reply> {
  return take(dialogue, exchange, exchange.next(response))
}

function take(dialogue: Dialogue, exchange: SaslExchange, step: SaslStep): MaybePromise<Reply> {
  switch (step.step) {
    case 'challenge':
      dialogue.login = exchange
      return replies.challenge(step.text)
    case 'malformed':
      return replies.loginMalformed
    case 'not-oneself':
      return replies.loginForAnother
    case 'secret':
      return fetchSecret(dialogue, exchange, step)
    case 'login':
      return judge(dialogue, step)
  }
}

function fetchSecret(
  dialogue: Dialogue,
  exchange: SaslExchange,
  { user, proceed }: SaslStep & { readonly step: 'secret' },
): MaybePromise<Reply> {
  const { session, policy } = dialogue
  const asked = policy.secretFor({ session, mechanism: exchange.mechanism, user })
  return dialogue.consult(asked, (ruling) =>
    ruling.ruling === 'secret'
      ? take(dialogue, exchange, proceed(ruling.keys))
      : refuse(dialogue, ruling),
  )
}

function judge(
  dialogue: Dialogue,
  { user, evidence }: SaslStep & { readonly step: 'login' },
): MaybePromise<Reply> {
  const { session, policy } = dialogue
  return dialogue.consult(policy.auth({ session, user, ...evidence }), (ruling) => {
    if (ruling.ruling !== 'accept') return refuse(dialogue, ruling)
    session.user = ruling.user
    session.environment = policy.environment
    return replies.authenticated
  })
}

/** Guessing is not for free: a session has so many logins that fail, and no message wins them back. */
function refuse(dialogue: Dialogue, ruling: ObjectionRuling): Reply {
  const reply = dialogue.refuse('auth', ruling)
  const { maxFailedLogins, hostname } = dialogue.settings
  if (ruling.ruling !== 'reject' || ++dialogue.failedLogins < maxFailedLogins) return reply
  dialogue.end('errors')
  return replies.tooManyLogins(hostname)
}
