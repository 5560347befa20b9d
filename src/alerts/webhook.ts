/** Tells a web service of one notice. It is signed, so that nobody else can tell it anything in our name. */
import { createHmac } from 'node:crypto'
import { PosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import { httpPost, type HttpPostDoors } from '../runtime/http-post.ts'
import type { Webhook } from './settings.ts'

const timeoutMs = 10_000

export const signatureField = 'X-Postern-Signature'

/**
 * `t=<seconds>,v1=<hex>`: the HMAC-SHA-256 of `<seconds>.<body>`. Whoever checks it also checks the time, so that
 * nothing can be said twice.
 */
export function signature(body: string, secret: string, at: Instant): string {
  const seconds = Math.floor(at / 1000)
  const hmac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return `t=${seconds},v1=${hmac}`
}

/** @throws PosternError CONNECT_FAILED, PEER_FAILED (also for a status other than 2xx), TIMEOUT, ABORTED */
export async function callWebhook(
  doors: HttpPostDoors,
  { url, secret }: Webhook,
  { body, signal }: { readonly body: string; readonly signal: AbortSignal },
): Promise<void> {
  const signed =
    secret && ([signatureField, signature(body, secret.reveal(), doors.clock.now())] as const)
  const headers = signed === undefined ? [] : [signed]
  const status = await httpPost(doors, { url, headers, body, timeoutMs, signal })
  if (status < 200 || status > 299) throw new PosternError('PEER_FAILED', `it says ${status}`)
}
