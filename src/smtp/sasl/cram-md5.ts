import {
  malformedStep,
  readText,
  type SaslExchange,
  type SaslStep,
  type SaslSurroundings,
} from './exchange.ts'

/** The user, a blank, and the digest in lower case: a user's name may hold blanks. */
const responsePattern = /^(.+) ([0-9a-f]{32})$/s

/** CRAM-MD5 (RFC 2195): a challenge that nobody else was given, answered with its keyed digest. */
export function cramMd5Exchange({ hostname, clock, random }: SaslSurroundings): SaslExchange {
  const mechanism = 'CRAM-MD5'
  const nonce = Buffer.from(random.bytes(16)).toString('hex')
  const challenge = `<${nonce}.${clock.now()}@${hostname}>`
  let asked = false
  return {
    mechanism,
    next(response): SaslStep {
      // The server speaks first: there is nothing that an initial response could answer.
      if (response === undefined) {
        asked = true
        return { step: 'challenge', text: challenge }
      }
      const [, user, digest] = responsePattern.exec(readText(response) ?? '') ?? []
      if (!asked || user === undefined || digest === undefined) return malformedStep
      return { step: 'login', user, evidence: { mechanism, challenge, digest } }
    },
  }
}
