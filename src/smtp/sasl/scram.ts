/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677): the client proves that it knows the password, we prove that we know what was
 * stored of it, and neither says it. With SMTP our proof is a last challenge, which the client answers with nothing
 * (RFC 4954 §4).
 */
import { timingSafeEqual } from 'node:crypto'
import { hmacSha256, sha256, type ScramKeys } from '../../mail/login-secret.ts'
import {
  malformedStep,
  type SaslExchange,
  type SaslStep,
  type SaslSurroundings,
} from './exchange.ts'
import {
  readClientFinal,
  readClientFirst,
  type ClientFinal,
  type ClientFirst,
} from './scram-messages.ts'

const mechanism = 'SCRAM-SHA-256'

export function scramExchange({ random }: SaslSurroundings): SaslExchange {
  return scramConversation(Buffer.from(random.bytes(18)).toString('base64'))
}

/** @param serverNonce printable ASCII without a comma, never used before */
export function scramConversation(serverNonce: string): SaslExchange {
  const conversation = new ScramConversation(serverNonce)
  return { mechanism, next: (response) => conversation.next(response) }
}

type Awaited = (response: Buffer) => SaslStep

class ScramConversation {
  readonly #serverNonce: string
  /** What the client's next response is for. */
  #awaited: Awaited = (response) => this.#first(response)

  constructor(serverNonce: string) {
    this.#serverNonce = serverNonce
  }

  next(response: Buffer | undefined): SaslStep {
    if (response === undefined) return { step: 'challenge', text: '' }
    const awaited = this.#awaited
    this.#awaited = () => malformedStep
    return awaited(response)
  }

  #first(response: Buffer): SaslStep {
    const first = readClientFirst(response)
    if (first === undefined) return malformedStep
    const { user, identity } = first
    if (identity !== undefined && identity !== user) return { step: 'not-oneself' }
    return { step: 'secret', user, proceed: (keys) => this.#challenge(first, keys) }
  }

  #challenge(first: ClientFirst, keys: ScramKeys): SaslStep {
    const nonce = `${first.nonce}${this.#serverNonce}`
    const salt = Buffer.from(keys.salt).toString('base64')
    const text = `r=${nonce},s=${salt},i=${keys.iterations}`
    this.#awaited = (response) => {
      const final = readClientFinal(response)
      if (final === undefined || final.nonce !== nonce) return malformedStep
      if (final.channelBinding.toString() !== first.gs2Header) return malformedStep
      return this.#judge(first, final, { keys, said: text })
    }
    return { step: 'challenge', text }
  }

  #judge(
    { user, bare }: ClientFirst,
    { withoutProof, proof }: ClientFinal,
    { keys, said }: { readonly keys: ScramKeys; readonly said: string },
  ): SaslStep {
    const dialogue = `${bare},${said},${withoutProof}`
    const login = (proven: boolean): SaslStep => {
      return { step: 'login', user, evidence: { mechanism, proven } }
    }
    if (!isProof(proof, keys, dialogue)) return login(false)
    this.#awaited = (response) => (response.length === 0 ? login(true) : malformedStep)
    const ours = hmacSha256(keys.serverKey, dialogue).toString('base64')
    return { step: 'challenge', text: `v=${ours}` }
  }
}

/** RFC 5802 §3: the proof is the client's key, hidden under a signature that only we and the client can compute. */
function isProof(proof: Buffer, { storedKey }: ScramKeys, dialogue: string): boolean {
  const signature = hmacSha256(storedKey, dialogue)
  if (proof.length !== signature.length) return false
  const clientKey = signature.map((byte, index) => byte ^ (proof[index] ?? 0))
  return timingSafeEqual(sha256(clientKey), storedKey)
}
