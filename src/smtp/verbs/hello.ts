import type { MaybePromise } from '../../mail/maybe-promise.ts'
import type { Reply } from '../../mail/reply.ts'
import type { Session } from '../../mail/session.ts'
import { capabilities } from '../capabilities.ts'
import { parseHello } from '../command.ts'
import type { Dialogue } from '../dialogue.ts'
import * as replies from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/**
 * HELO and EHLO (RFC 5321 §4.1.1.1), or LHLO instead of both (RFC 2033 §4.1). One that is accepted ends an open transaction;
 * one that is not changes nothing (§4.1.4).
 */
function helloVerb(verb: NonNullable<Session['hello']>['verb']): Verb {
  return {
    needs: [],
    maxLineBytes: commandLineBytes,
    idles: true,
    run(dialogue, rest) {
      const lmtp = dialogue.settings.protocol === 'lmtp'
      if (lmtp !== (verb === 'LHLO')) return lmtp ? replies.lhloOnly : replies.notImplemented
      const name = parseHello(rest, verb)
      return name.ok ? introduce(dialogue, { verb, name: name.value }) : name.reply
    },
  }
}

export const helo = helloVerb('HELO')
export const ehlo = helloVerb('EHLO')
export const lhlo = helloVerb('LHLO')

/** The client's name is known: asks the policy about it. @returns the reply to the greeting */
export function introduce(
  dialogue: Dialogue,
  hello: NonNullable<Session['hello']>,
): MaybePromise<Reply> {
  const { session, policy } = dialogue
  const before = session.hello
  session.hello = hello
  return dialogue.consult(policy.hello({ session }), (ruling) => {
    if (ruling.ruling !== 'pass') {
      if (before === undefined) delete session.hello
      else session.hello = before
      return dialogue.refuse('hello', ruling)
    }
    dialogue.endTransaction({ end: 'reset' })
    return hello.verb === 'HELO'
      ? replies.hello(dialogue.settings.hostname)
      : capabilities(dialogue)
  })
}
