import { createHmac } from 'node:crypto'
import type { RelayLogin } from '../../mail/route.ts'
import type { HopReply } from './reply-reader.ts'
import type { SmtpClient } from './smtp-client.ts'

export interface LogInOptions {
  readonly login: RelayLogin
  /** The mechanisms that the next hop offers, in upper case. */
  readonly offered: readonly string[]
  /** Whether anybody could listen. */
  readonly encrypted: boolean
  readonly timeoutMs: number
}

type Mechanism = (client: SmtpClient, options: LogInOptions) => Promise<HopReply>

const mechanisms: ReadonlyMap<string, Mechanism> = new Map([
  ['PLAIN', plain],
  ['LOGIN', login],
  ['CRAM-MD5', cramMd5],
])

/**
 * Logs in (RFC 4954) by PLAIN, LOGIN or CRAM-MD5, in this order as far as the next hop offers them;
 * in the clear CRAM-MD5 comes first, which does not tell the password to whoever listens.
 * @returns the last reply, 235 for success; undefined where none is offered and nothing was said
 */
export async function logIn(
  client: SmtpClient,
  options: LogInOptions,
): Promise<HopReply | undefined> {
  const order = options.encrypted ? ['PLAIN', 'LOGIN', 'CRAM-MD5'] : ['CRAM-MD5', 'PLAIN', 'LOGIN']
  const name = order.find((each) => options.offered.includes(each))
  return name === undefined ? undefined : mechanisms.get(name)?.(client, options)
}

/** RFC 4616, with an initial response. */
function plain(client: SmtpClient, { login: { user, password }, timeoutMs }: LogInOptions) {
  return client.command(`AUTH PLAIN ${base64(`\0${user}\0${password.reveal()}`)}`, timeoutMs)
}

async function login(client: SmtpClient, { login: { user, password }, timeoutMs }: LogInOptions) {
  let reply = await client.command('AUTH LOGIN', timeoutMs)
  for (const answer of [user, password.reveal()]) {
    if (reply.code !== 334) return reply
    reply = await client.command(base64(answer), timeoutMs)
  }
  return reply
}

/** RFC 2195. */
async function cramMd5(client: SmtpClient, { login: { user, password }, timeoutMs }: LogInOptions) {
  const reply = await client.command('AUTH CRAM-MD5', timeoutMs)
  if (reply.code !== 334) return reply
  const challenge = Buffer.from(reply.lines[0], 'base64')
  const digest = createHmac('md5', password.reveal()).update(challenge).digest('hex')
  return client.command(base64(`${user} ${digest}`), timeoutMs)
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
