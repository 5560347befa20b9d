/** The messages of SCRAM (RFC 5802 §5.1, §7), read strictly. Whatever is none is undefined. */
import { saslprep } from '../../mail/saslprep.ts'
import { decodeBase64 } from './base64.ts'
import { readText } from './exchange.ts'

/** The first message of the client. */
export interface ClientFirst {
  /** Up to the bare message: said again in the last one. */
  readonly gs2Header: string
  /** Whom the client wants to act as, where it says so. */
  readonly identity: string | undefined
  readonly bare: string
  readonly user: string
  readonly nonce: string
}

/** The last message of the client. */
export interface ClientFinal {
  readonly withoutProof: string
  readonly channelBinding: Buffer
  readonly nonce: string
  readonly proof: Buffer
}

/**
 * `n,,n=user,r=nonce`. Of the client's word about channel binding `n` and `y` are taken: we offer none, so neither `p=`
 * nor an attack that took our offer away can be (§6).
 */
const clientFirst = /^([ny],(?:a=([^,]+))?,)(n=([^,]+),r=([!-+\--~]+)(?:,[A-Za-z]=[^,]+)*)$/

/** `c=biws,r=nonce,p=proof` */
const clientFinal = /^(c=([A-Za-z0-9+/=]+),r=([!-+\--~]+)(?:,[A-Za-z]=[^,]+)*),p=([A-Za-z0-9+/=]+)$/

/** Longer ones serve nobody. */
const longestMessage = 4_096

export function readClientFirst(response: Buffer): ClientFirst | undefined {
  const match = clientFirst.exec(shortText(response))
  const [, gs2Header, writtenIdentity, bare, writtenUser, nonce] = match ?? []
  if (gs2Header === undefined || bare === undefined || nonce === undefined) return undefined
  const user = writtenUser === undefined ? undefined : readName(writtenUser)
  const identity = writtenIdentity === undefined ? undefined : readName(writtenIdentity)
  if (user === undefined || (writtenIdentity !== undefined && identity === undefined)) {
    return undefined
  }
  return { gs2Header, identity, bare, user, nonce }
}

export function readClientFinal(response: Buffer): ClientFinal | undefined {
  const match = clientFinal.exec(shortText(response))
  const [, withoutProof, binding = '', nonce, writtenProof = ''] = match ?? []
  const channelBinding = decodeBase64(binding)
  const proof = decodeBase64(writtenProof)
  if (withoutProof === undefined || nonce === undefined) return undefined
  if (channelBinding === undefined || proof === undefined) return undefined
  return { withoutProof, channelBinding, nonce, proof }
}

function shortText(response: Buffer): string {
  return response.length > longestMessage ? '' : (readText(response) ?? '')
}

/** A saslname: `=2C` is a comma, `=3D` an equals sign, and no other `=` may be (§5.1). */
function readName(written: string): string | undefined {
  if (/=(?!2C|3D)/.test(written)) return undefined
  const name = saslprep(written.replaceAll('=2C', ',').replaceAll('=3D', '='))
  return name === '' ? undefined : name
}
