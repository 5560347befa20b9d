/** A stored transaction, read again as the questions that it was. */
import { parseMailbox } from '../mail/address.ts'
import type { Environment } from '../mail/environment.ts'
import type { MailParameters, Recipient, ReversePath } from '../mail/envelope.ts'
import type { JsonObject } from '../mail/json.ts'
import type { LoginVariables } from '../mail/login-secret.ts'
import type { Endpoint, Session, TlsState } from '../mail/session.ts'
import { list, number, object, text } from '../filter/read-json.ts'
import type { Trace } from '../filter/trace-reader.ts'

export interface RecordedSession {
  readonly trace: Trace
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly remoteName?: string
  readonly hello?: NonNullable<Session['hello']>
  readonly tls?: TlsState
  readonly implicitTls: boolean
  /** Before any login. */
  readonly environment: Environment
  /** It came with the connection: rules do not change it. */
  readonly handedOver: boolean
  readonly login?: {
    readonly user: string
    readonly mechanism: string
    readonly variables: LoginVariables
    /** A proxy vouched for it, before anything was asked. */
    readonly proxied: boolean
  }
  readonly reversePath?: ReversePath
  readonly parameters: MailParameters
  readonly recipients: readonly Recipient[]
  readonly head?: Uint8Array
  readonly bodyOffset: number
  readonly eightBit: boolean
}

/** @returns why it cannot be asked again, where something of it was not kept */
export function readRecorded(trace: Trace, record: JsonObject): RecordedSession | string {
  const facts = object(record['facts'])
  const [localAddress, localPort] = list(facts['local'])
  if (localAddress === undefined) return 'recorded before sessions were kept'
  if (trace.lost > 0) return 'steps were not kept'
  if (trace.failedLogin !== undefined) return 'its login failed, and no password is kept'
  if (facts['cut'] !== undefined) return `its ${text(facts['cut'])} were not kept`
  const recipients = trace.recipients.map(({ address }, index) =>
    recipientOf(address, object(object(facts['rcpt'])[String(index + 1)])),
  )
  if (!recipients.every((each) => each !== undefined)) return 'a recipient cannot be read again'
  const { reversePath: path, hello, user } = trace
  const reversePath = path === undefined ? undefined : pathOf(path)
  if (path !== undefined && reversePath === undefined)
    return 'its reverse-path cannot be read again'
  const [mechanism, variables] = list(facts['login'])
  const head = facts['head']
  return {
    trace,
    remote: endpointOf(trace.remote),
    local: { address: text(localAddress), port: number(localPort) },
    ...(facts['name'] === undefined ? {} : { remoteName: text(facts['name']) }),
    ...(hello === undefined ? {} : { hello: { verb: verbOf(facts['verb']), name: hello } }),
    ...(facts['tls'] === undefined ? {} : { tls: tlsOf(object(facts['tls'])) }),
    implicitTls: facts['implicit'] === true,
    environment: { variables: textMap(object(facts['environment'])), source: trace.environment },
    handedOver: facts['handed'] === true,
    ...(user === undefined
      ? {}
      : {
          login: {
            user,
            mechanism: mechanism === undefined ? 'PLAIN' : text(mechanism),
            variables: textMap(object(variables)),
            proxied: facts['proxied'] === true,
          },
        }),
    ...(reversePath === undefined ? {} : { reversePath }),
    parameters: object(facts['mail']),
    recipients,
    ...(typeof head === 'string' ? { head: Buffer.from(head, 'latin1') } : {}),
    bodyOffset: number(facts['bodyOffset']),
    eightBit: facts['eightBit'] === true,
  }
}

function recipientOf(address: string, parameters: JsonObject): Recipient | undefined {
  const mailbox = parseMailbox(address, { smtputf8: true, barePostmaster: true })
  return mailbox && { mailbox, ...parameters }
}

function pathOf(path: string): ReversePath | undefined {
  return path === '<>' ? null : parseMailbox(path.slice(1, -1), { smtputf8: true })
}

function endpointOf(written: string): Endpoint {
  const colon = written.lastIndexOf(':')
  return { address: written.slice(0, colon), port: Number(written.slice(colon + 1)) }
}

function verbOf(verb: unknown): 'HELO' | 'EHLO' | 'LHLO' {
  return verb === 'HELO' || verb === 'LHLO' ? verb : 'EHLO'
}

function tlsOf(tls: JsonObject): TlsState {
  return { ...tls, protocol: text(tls['protocol']), cipher: text(tls['cipher']) }
}

function textMap(variables: JsonObject): ReadonlyMap<string, string> {
  return new Map(Object.entries(variables).map(([name, value]) => [name, text(value)]))
}
