/**
 * AUTH (RFC 4954 §4): the framing of a login in lines of base64. Mechanisms know what is inside, the policy knows who
 * it is. Passwords go to the policy and nowhere else.
 */
import type { MaybePromise } from '../../mail/maybe-promise.ts'
import type { Reply } from '../../mail/reply.ts'
import { parseAuth } from '../command.ts'
import type { Dialogue } from '../dialogue.ts'
import * as replies from '../replies.ts'
import { decodeBase64 } from '../sasl/base64.ts'
import type { SaslExchange } from '../sasl/exchange.ts'
import { loginExchange } from '../sasl/login.ts'
import { plainExchange } from '../sasl/plain.ts'
import type { Verb } from './verb.ts'

/** RFC 4954 §4 for responses; the command itself gets as much, since clients put the first response into it. */
export const authLineBytes = 12_288 + 2

const mechanisms: ReadonlyMap<string, () => SaslExchange> = new Map([
  ['PLAIN', plainExchange],
  ['LOGIN', loginExchange],
])

export const auth: Verb = {
  needs: ['tls', 'ehlo', 'no transaction'],
  maxLineBytes: authLineBytes,
  run(dialogue, rest) {
    const { session, settings } = dialogue
    if (settings.mechanisms.length === 0 || settings.extensionsOff.includes('AUTH')) {
      return replies.notImplemented
    }
    const parsed = parseAuth(rest)
    if (!parsed.ok) return parsed.reply
    if (session.user !== undefined) return replies.loggedInAlready
    const { mechanism, initialResponse } = parsed.value
    const begin = mechanisms.get(mechanism)
    if (begin === undefined || !settings.mechanisms.some((name) => name === mechanism)) {
      return replies.unknownMechanism
    }
    if (!dialogue.offers('AUTH')) return replies.mechanismNeedsTls
    const exchange = begin()
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
  const step = exchange.next(response)
  switch (step.step) {
    case 'challenge':
      dialogue.login = exchange
      return replies.challenge(step.text)
    case 'malformed':
      return replies.loginMalformed
    case 'not-oneself':
      return replies.loginForAnother
    case 'credentials':
      return verify(dialogue, exchange.mechanism, step)
  }
}

function verify(
  dialogue: Dialogue,
  mechanism: SaslExchange['mechanism'],
  { user, password }: { readonly user: string; readonly password: string },
): MaybePromise<Reply> {
  const { session, policy } = dialogue
  return dialogue.consult(policy.auth({ session, mechanism, user, password }), (ruling) => {
    if (ruling.ruling !== 'accept') return dialogue.refuse('auth', ruling)
    session.user = ruling.user
    session.environment = policy.environment
    return replies.authenticated
  })
}
