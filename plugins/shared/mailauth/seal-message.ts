/** One ARC set, by mailauth (RFC 8617 §5.1). */
import type * as ArcLibrary from 'mailauth/lib/arc/index.js'
import type { Message, SignatureField } from 'postern/plugin'
import { messageStream } from './message-stream.ts'
import type { SigningKey } from './sign-header.ts'

export interface SealingParts {
  readonly key: SigningKey
  /** What was found of the chain so far. */
  readonly cv: 'none' | 'pass'
  /** The payload of ARC-Authentication-Results. */
  readonly results: string
  readonly at: number
  readonly signal: AbortSignal
}

export function loadSealing(): Promise<typeof ArcLibrary> {
  return import('mailauth/lib/arc/index.js')
}

/**
 * The fields of the set, the lowest first. The header keeps to the limits of `lookAtSignedHeader`.
 * @throws LineTooLong, PosternError ABORTED, DISK_FAILED; Error where the key or the chain cannot be used
 */
export async function sealMessage(
  message: Pick<Message, 'read'>,
  { key: { domain, selector, key }, cv, results, at, signal }: SealingParts,
): Promise<readonly SignatureField[]> {
  const { createSeal } = await loadSealing()
  const { headers, errors } = await createSeal(messageStream(message, signal), {
    seal: {
      signingDomain: domain,
      selector,
      privateKey: key.export({ type: 'pkcs8', format: 'pem' }),
      authResults: results,
      cv,
      signTime: new Date(at),
      strict: true,
    },
  })
  const [problem] = errors
  if (headers.length === 0) throw new Error(`no seal: ${problem?.err.message ?? 'no reason given'}`)
  return headers.toReversed().map((line) => {
    const colon = line.indexOf(':')
    return { name: line.slice(0, colon), value: line.slice(colon + 1).trim() }
  })
}
