/** What an external plugin is asked, as JSON: the facts of its stage, and of a message as much as the entry says. */
import {
  formatMailbox,
  type JsonObject,
  type MailParameters,
  type Message,
  type ReversePath,
  type Session,
  type Transaction,
} from 'postern/plugin'

const mostFields = 1000

export function sessionFacts(session: Session): JsonObject {
  const { id, listener, remote, local, hostname, environment } = session
  const { remoteName, hello, tls, user } = session
  return {
    id,
    listener,
    remote: { address: remote.address, port: remote.port },
    local: { address: local.address, port: local.port },
    hostname,
    environment: Object.fromEntries(environment.variables),
    ...(remoteName === undefined ? {} : { remoteName }),
    ...(hello === undefined ? {} : { hello: { verb: hello.verb, name: hello.name } }),
    ...(tls === undefined ? {} : { tls: { protocol: tls.protocol, cipher: tls.cipher } }),
    ...(user === undefined ? {} : { user }),
  }
}

/** Empty for the null path. */
export function pathText(reversePath: ReversePath): string {
  return reversePath === null ? '' : formatMailbox(reversePath)
}

export function parameterFacts(parameters: MailParameters): JsonObject {
  return Object.fromEntries(Object.entries(parameters))
}

export function transactionFacts({
  id,
  reversePath,
  parameters,
  recipients,
}: Transaction): JsonObject {
  return {
    id,
    reversePath: pathText(reversePath),
    parameters: parameterFacts(parameters),
    recipients: recipients.map(({ mailbox }) => formatMailbox(mailbox)),
  }
}

export interface ContentRule {
  readonly content: 'none' | 'header' | 'whole'
  readonly maxBytes: number
}

/** The bytes as they came, in base64, up to a limit; `truncated` where there were more. */
export async function messageFacts(
  message: Message,
  { content, maxBytes }: ContentRule,
): Promise<JsonObject> {
  const { sizeBytes, bodyOffset } = message
  const facts = { sizeBytes, bodyOffset }
  if (content === 'none') return facts
  const fields = message.header.fields.slice(0, mostFields)
  const header = fields.map(({ name, value }) => [name, value])
  if (content === 'header') return { ...facts, header }
  const range = { offset: 0, length: Math.min(sizeBytes, maxBytes) }
  const bytes = Buffer.concat(await Array.fromAsync(message.read(range)))
  return {
    ...facts,
    header,
    content: bytes.toString('base64'),
    truncated: sizeBytes > maxBytes,
  }
}
