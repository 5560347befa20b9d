/**
 * Certificates ready for handshakes: TLS 1.2 and later, with the ciphers that Mozilla calls intermediate (those with
 * forward secrecy and authenticated encryption; TLS 1.3 has no others), unless others are asked for.
 */
import { constants, X509Certificate } from 'node:crypto'
import { createSecureContext, createServer, type SecureContext, type Server } from 'node:tls'
import { PosternError } from '../../mail/errors.ts'
import type { TlsContext, TlsIdentity, TlsSettings } from '../net.ts'

const suites = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']
const usualCiphers = [
  ...suites,
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** Without encryption, or with whoever says hello: in no list are these meant. */
const never = ['!eNULL', '!aNULL']
/** Suites of TLS 1.3 that encrypt nothing (RFC 9150); what `never` says does not concern that version. */
const integrityOnly = ['TLS_SHA256_SHA256', 'TLS_SHA384_SHA384']

/**
 * A list as OpenSSL takes it speaks of TLS 1.2 and before; Node sets the suites of TLS 1.3 by the same list, and switches
 * that version off where there are none.
 */
function cipherList(written: string): string {
  // OpenSSL reads no further than a NUL: what is added behind it would not count.
  const words = written.split(/[:,;\s\p{Cc}]+/u).filter((word) => word !== '')
  const older = words.filter((word) => !word.startsWith('TLS_'))
  const named = words.filter((word) => word.startsWith('TLS_') && !integrityOnly.includes(word))
  const newer = named.length > 0 ? named : suites
  return [...newer, ...older, ...(named.length > 0 && older.length === 0 ? [] : never)].join(':')
}

type ContextOptions = NonNullable<Parameters<typeof createSecureContext>[0]>

type ChooseContext = (
  servername: string,
  done: (error: null, context?: SecureContext) => void,
) => void

const noCipherMatch = 'ERR_SSL_NO_CIPHER_MATCH'
const noPair = 'certificate and key do not fit'

/** @throws PosternError CONFIG_INVALID when a certificate and its key do not fit, or one of them is none, or no cipher is left. */
export function tlsContext(settings: TlsSettings): NodeTlsContext {
  try {
    return new NodeTlsContext(settings)
  } catch (error) {
    const noCipher = error instanceof Error && 'code' in error && error.code === noCipherMatch
    const problem = noCipher ? 'the list names no cipher that can be used' : noPair
    throw new PosternError('CONFIG_INVALID', problem, { cause: error })
  }
}

export class NodeTlsContext implements TlsContext {
  readonly tlsContext = 'opaque'
  /** The first certificate's: for clients that ask for no name, or for one that nobody has. */
  readonly secureContext: SecureContext
  readonly clientCertificates: 'not asked' | 'asked' | 'required'
  readonly #first: ContextOptions
  /** By host name in lower case, `*.` for one label of any kind. */
  readonly #byName = new Map<string, SecureContext>()

  constructor({ certificate, key, others = [], clients, ciphers }: TlsSettings) {
    const optionsOf = (identity: TlsIdentity): ContextOptions => ({
      cert: identity.certificate,
      key: identity.key,
      ...(clients === undefined ? {} : { ca: clients.authorities }),
      minVersion: 'TLSv1.2',
      ciphers: ciphers === undefined ? usualCiphers : cipherList(ciphers),
      // A client may not make us negotiate again and again (TLS 1.2; TLS 1.3 has no such thing).
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    })
    this.clientCertificates =
      clients === undefined ? 'not asked' : clients.required ? 'required' : 'asked'
    this.#first = optionsOf({ certificate, key })
    this.secureContext = createSecureContext(this.#first)
    this.#learn(certificate, this.secureContext)
    for (const other of others) {
      this.#learn(other.certificate, createSecureContext(optionsOf(other)))
    }
  }

  /** Answers with the certificate for a name; where nobody has the name, with none: then the first one's is shown. */
  readonly choose: ChooseContext = (servername, done) => {
    const name = servername.toLowerCase()
    const anyLabel = `*${name.slice(Math.max(name.indexOf('.'), 0))}`
    const context = this.#byName.get(name) ?? this.#byName.get(anyLabel)
    if (context === undefined) done(null)
    else done(null, context)
  }

  /** A TLS server for one handshake: only such a server verifies the certificates of clients. */
  oneHandshake(): Server {
    return createServer({
      ...this.#first,
      requestCert: true,
      rejectUnauthorized: this.clientCertificates === 'required',
      SNICallback: this.choose,
    })
  }

  /** The first certificate that has a name is shown for it. */
  #learn(pem: string, context: SecureContext): void {
    for (const name of hostNames(new X509Certificate(pem))) {
      if (!this.#byName.has(name)) this.#byName.set(name, context)
    }
  }
}

/** The DNS names of a certificate, in lower case. One that Node shows in quotes holds what no host name does. */
function hostNames({ subjectAltName }: X509Certificate): readonly string[] {
  return (subjectAltName ?? '').split(', ').flatMap((name) => {
    return name.startsWith('DNS:') && !name.startsWith('DNS:"') ? [name.slice(4).toLowerCase()] : []
  })
}
