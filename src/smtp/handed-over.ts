/** A client that tcpserver has accepted: who it is, and its environment, by the variables that `postern smtpd` passes. */
import ipaddr from 'ipaddr.js'
import { emptyEnvironment, type Environment } from '../mail/environment.ts'
import { PosternError } from '../mail/errors.ts'
import type { Endpoint, TlsState } from '../mail/session.ts'

type Variables = ReadonlyMap<string, string>

export interface HandedOver {
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly remoteName?: string
  readonly tls?: TlsState
  readonly environment: Environment
}

/** Rules of tcp.smtp are few; more environments than this are made up. */
const maxEnvironments = 256

/** What differs from client to client is in the session, not in its environment. */
const ofTheConnection = /^(?:TCP6?(?:LOCAL|REMOTE)(?:IP|PORT|HOST|INFO)|PROTO|SSL_.*)$/

/** Clients with the same variables share one environment, so that what is resolved for it is resolved once. */
export class HandOverReader {
  readonly #environments = new Map<string, Environment>()

  /** @throws PosternError PEER_FAILED where an address is none */
  read(variables: Variables): HandedOver {
    const remoteName = variables.get('TCPREMOTEHOST')
    const tls = tlsOf(variables)
    return {
      remote: endpoint(variables, 'REMOTE'),
      local: endpoint(variables, 'LOCAL'),
      ...(remoteName === undefined || remoteName === '' ? {} : { remoteName }),
      ...(tls === undefined ? {} : { tls }),
      environment: this.#environmentOf(variables),
    }
  }

  #environmentOf(all: Variables): Environment {
    const own = [...all].filter(([name]) => !ofTheConnection.test(name))
    if (own.length === 0) return emptyEnvironment
    const key = own.map(([name, value]) => `${name}=${value}`).join('\0')
    const before = this.#environments.get(key)
    if (before !== undefined) return before
    if (this.#environments.size >= maxEnvironments) this.#environments.clear()
    const environment = { variables: new Map(own), source: 'handed over by tcpserver' }
    this.#environments.set(key, environment)
    return environment
  }
}

/** Under inetd nobody says who it is: `unknown`, as qmail has it. */
function endpoint(variables: Variables, side: 'REMOTE' | 'LOCAL'): Endpoint {
  const address = variables.get(`TCP${side}IP`) ?? ''
  const port = variables.get(`TCP${side}PORT`) ?? ''
  if (address === '') return { address: 'unknown', port: 0 }
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address)
  if (!isAddress || address.includes('%')) {
    throw new PosternError('PEER_FAILED', `TCP${side}IP is no address`)
  }
  const number = /^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? Number(port) : 0
  return { address: ipaddr.process(address).toString(), port: number }
}

/** TLS that ended before tcpserver, in stunnel or sslserver: SSL is set to a number above zero. */
function tlsOf(variables: Variables): TlsState | undefined {
  if (!/^[1-9]\d*$/.test(variables.get('SSL') ?? '')) return undefined
  const named = (name: string): string => {
    const value = variables.get(name) ?? ''
    return /^[\w.:-]{1,255}$/.test(value) ? value : 'unknown'
  }
  return { protocol: named('SSL_PROTOCOL'), cipher: named('SSL_CIPHER') }
}
