import type { RelayLogin } from '../../mail/route.ts'
import type { HopReply } from './reply-reader.ts'
import type { SmtpClient } from './smtp-client.ts'

export interface LogInOptions {
  readonly login: RelayLogin
  /** The mechanisms that the next hop offers, in upper case. */
  readonly offered: readonly string[]
  readonly timeoutMs: number
}

/**
 * Logs in (RFC 4954) by PLAIN, else by LOGIN, as far as the next hop offers them.
 * @returns the last reply, 235 for success; undefined where neither is offered and nothing was said
 */
export async function logIn(
  client: SmtpClient,
  { login: { user, password }, offered, timeoutMs }: LogInOptions,
): Promise<HopReply | undefined> {
  if (offered.includes('PLAIN')) {
    return client.command(`AUTH PLAIN ${base64(`\0${user}\0${password.reveal()}`)}`, timeoutMs)
  }
  if (!offered.includes('LOGIN')) return undefined
  let reply = await client.command('AUTH LOGIN', timeoutMs)
  for (const answer of [user, password.reveal()]) {
    if (reply.code !== 334) return reply
    reply = await client.command(base64(answer), timeoutMs)
  }
  return reply
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
