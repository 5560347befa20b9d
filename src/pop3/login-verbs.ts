/** The AUTHORIZATION state: RFC 1939 §7, RFC 2595 §4, RFC 5034. */
import { isUtf8 } from 'node:buffer'
import { latin1Bytes, readable } from '../formats/octets.ts'
import type { Dialogue, Verb } from './dialogue.ts'
import * as replies from './replies.ts'
import type { Answer } from './replies.ts'

const state = 'authorization'

/** No check: who exists is nobody's business. */
export const user: Verb = {
  state,
  run(dialogue, rest) {
    if (rest === '') return replies.syntaxError
    return refused(dialogue) ?? named(dialogue, rest)
  },
}

export const pass: Verb = {
  state,
  run(dialogue, rest) {
    const { userName } = dialogue
    if (userName === undefined) return replies.userFirst
    dialogue.userName = undefined
    return (
      refused(dialogue) ?? dialogue.logIn(userName, { mechanism: 'PLAIN', password: text(rest) })
    )
  },
}

/** `APOP name digest`: the password stays with the client, and what is sent is of use once; so no TLS is asked for. */
export const apop: Verb = {
  state,
  run(dialogue, rest) {
    const { timestamp } = dialogue
    if (timestamp === undefined) return replies.noApop
    const [, name, digest] = /^(.+) ([0-9a-f]{32})$/is.exec(rest) ?? []
    if (name === undefined || digest === undefined) return replies.syntaxError
    dialogue.userName = undefined
    return dialogue.logIn(text(name), {
      mechanism: 'APOP',
      challenge: timestamp,
      digest: digest.toLowerCase(),
    })
  },
}

/** SASL PLAIN, at once or in a line of its own. */
export const auth: Verb = {
  state,
  run(dialogue, rest) {
    const [mechanism = '', initial] = rest.split(' ')
    if (mechanism.toUpperCase() !== 'PLAIN') return replies.syntaxError
    const refusal = refused(dialogue)
    if (refusal !== undefined) return refusal
    if (initial !== undefined) return answerSasl(dialogue, initial)
    dialogue.inSasl = true
    return { text: '+ \r\n' }
  },
}

export const stls: Verb = {
  state,
  run({ session, canStartTls }) {
    if (session.tls !== undefined) return replies.tlsAlready
    return canStartTls ? { ...replies.okWith('go ahead'), next: 'handshake' } : replies.noTls
  },
}

/** The response to `+`: base64 of `[authzid] NUL authcid NUL password` (RFC 4616). */
export function answerSasl(dialogue: Dialogue, line: string): Answer | Promise<Answer> {
  dialogue.inSasl = false
  if (line === '*') return replies.cancelled
  const bytes = Buffer.from(line, 'base64')
  if (bytes.toString('base64') !== line || !isUtf8(bytes)) return replies.syntaxError
  const [identity, name, password, ...more] = bytes.toString().split('\0')
  if (name === undefined || name === '' || !password || more.length > 0) return replies.syntaxError
  if (identity !== '' && identity !== name) return replies.authorizationFailed
  return dialogue.logIn(name, { mechanism: 'PLAIN', password })
}

function named(dialogue: Dialogue, rest: string): Answer {
  dialogue.userName = text(rest)
  return replies.ok
}

function refused({ mayLogIn }: Dialogue): Answer | undefined {
  if (mayLogIn === 'yes') return undefined
  return mayLogIn === 'no' ? replies.noLogins : replies.tlsFirst
}

/** Back ends know names and passwords in UTF-8. */
function text(octets: string): string {
  return readable(latin1Bytes(octets))
}
