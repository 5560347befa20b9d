/**
 * What a session and a transaction were, beside what a record shows to people: enough to put the same questions to another
 * chain. Bounded; what does not fit is left out and named.
 */
import { withoutSecrets } from '../formats/secret-text.ts'
import type { Environment } from '../mail/environment.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { JsonObject } from '../mail/json.ts'
import type { LoginVariables } from '../mail/login-secret.ts'
import type { Session } from '../mail/session.ts'
import type { ConnectionFacts, MailEvent, MessageEvent } from '../smtp/policy.ts'

/** Characters of variables. */
const mostVariables = 8_192

// A type, not an interface: only it can be a JSON value.
export type SessionFacts = {
  readonly local: readonly [address: string, port: number]
  /** The client's name by DNS, where it was looked up. */
  readonly name?: string
  readonly verb?: string
  readonly tls?: JsonObject
  /** TLS was there before the greeting. */
  readonly implicit?: true
  /** Variables before any login. */
  readonly environment?: JsonObject
  /** They came with the connection, not from our rules. */
  readonly handed?: true
  readonly login?: readonly [mechanism: string, variables: JsonObject]
  /** A proxy vouched for it. */
  readonly proxied?: true
  readonly mail?: JsonObject
  /** RCPTs with parameters, by their number. */
  readonly rcpt?: JsonObject
  /** The header as received, as latin1; with its empty line where it is whole. */
  readonly head?: string
  readonly eightBit?: true
  readonly bodyOffset?: number
  /** What did not fit. */
  readonly cut?: string
}

export interface FactsRequest {
  readonly facts: ConnectionFacts
  readonly session: Session | undefined
  /** Before any login. */
  readonly environment: Environment
  readonly login: LoginFacts | undefined
  readonly mail: MailEvent | undefined
  /** By the number of their RCPT. */
  readonly recipients: ReadonlyMap<number, Recipient> | undefined
  readonly message: Pick<MessageEvent, 'message' | 'head'> | undefined
  /** Of the header that is kept. */
  readonly headBytes: number
}

export interface LoginFacts {
  readonly mechanism: string
  readonly variables: LoginVariables
}

export function sessionFacts(request: FactsRequest): SessionFacts {
  const { facts, session, environment, login, mail, recipients, message, headBytes } = request
  const kept: { -readonly [K in keyof SessionFacts]: SessionFacts[K] } = {
    local: [facts.local.address, facts.local.port],
  }
  const name = facts.remoteName ?? facts.introduction?.remoteName
  if (name !== undefined) kept.name = name
  if (session?.hello !== undefined) kept.verb = session.hello.verb
  if (session?.tls !== undefined) kept.tls = plain(session.tls)
  if (facts.tls !== undefined) kept.implicit = true
  if (facts.environment !== undefined) kept.handed = true
  if (facts.user !== undefined) kept.proxied = true
  if (environment.variables.size > 0) kept.environment = variablesOf(environment.variables, kept)
  if (login !== undefined) kept.login = [login.mechanism, variablesOf(login.variables, kept)]
  if (mail !== undefined && Object.keys(mail.parameters).length > 0) {
    kept.mail = plain(mail.parameters)
  }
  if (recipients !== undefined && recipients.size > 0) kept.rcpt = parametersOf(recipients)
  if (message !== undefined) keepMessage(kept, message, headBytes)
  return kept
}

/** Whoever starts tcpserver may have put anything into its environment. */
const secretName = /PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|API_?KEY|PRIVATE_?KEY/i

/** An innocent name, such as `DATABASE_URL`, with a login in its value. */
function holdsCredentials(value: string): boolean {
  return value.includes('://') && withoutSecrets(value) !== value
}

/** Without what looks like a secret; none where these are too much. */
function variablesOf(
  variables: ReadonlyMap<string, string>,
  kept: { cut?: SessionFacts['cut'] },
): JsonObject {
  if (sizeOf(variables) > mostVariables) {
    kept.cut = 'variables'
    return {}
  }
  const shown = [...variables].filter(
    ([name, value]) => !secretName.test(name) && !holdsCredentials(value),
  )
  if (shown.length < variables.size) kept.cut = 'secret variables'
  return Object.fromEntries(shown)
}

/** Whether there is more to it than its mailbox. */
export function hasParameters(recipient: Recipient): boolean {
  return recipient.notify !== undefined || recipient.originalRecipient !== undefined
}

function keepMessage(
  kept: { -readonly [K in keyof SessionFacts]: SessionFacts[K] },
  { message, head }: Pick<MessageEvent, 'message' | 'head'>,
  headBytes: number,
): void {
  kept.bodyOffset = message.bodyOffset
  if (message.eightBit) kept.eightBit = true
  if (head === undefined || head.length === 0 || headBytes === 0) return
  const { buffer, byteOffset, length } = head
  kept.head = Buffer.from(buffer, byteOffset, Math.min(length, headBytes)).toString('latin1')
}

function parametersOf(recipients: ReadonlyMap<number, Recipient>): JsonObject {
  return Object.fromEntries(
    [...recipients].map(([round, { notify, originalRecipient }]) => [
      round,
      {
        ...(notify === undefined ? {} : { notify }),
        ...(originalRecipient === undefined ? {} : { originalRecipient }),
      },
    ]),
  )
}

/** Without what is undefined. */
function plain(value: object): JsonObject {
  const copy: JsonObject = JSON.parse(JSON.stringify(value))
  return copy
}

function sizeOf(variables: ReadonlyMap<string, string>): number {
  let size = 0
  for (const [name, value] of variables) size += name.length + value.length
  return size
}
