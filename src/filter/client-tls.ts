/**
 * TLS as a tcp.smtp rule has it for a client: a certificate and ciphers of its own, by the variables of qmail's TLS patch.
 * The certificate's file is followed: a renewed one is shown at once, and where the new one is of no use the last that was,
 * by later configurations of the same process too.
 */
import { identityProblem } from '../formats/tls-identity.ts'
import { isPosternError } from '../mail/errors.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import type { Option, OptionResources, OptionValues } from '../plugin/option.ts'
import type { FollowedFile } from '../plugin/table.ts'
import type { TlsIdentity } from '../runtime/net.ts'
import type { TlsChoice, TlsCertificate } from '../smtp/policy.ts'

export const clientTlsOptions = {
  tls_certificate: optional(
    certificateFile(
      option.file({
        env: 'TLS_SERVER_CERT',
        description:
          'PEM file with a certificate, its chain and its key, shown in place of those of the listener.',
      }),
    ),
  ),
  tls_ciphers: option.string({
    default: '',
    maxLength: 4000,
    env: 'TLSCIPHERS',
    description:
      'A cipher list of OpenSSL’s for TLS 1.2; suites of TLS 1.3 are chosen by their names (TLS_…). The usual where empty.',
  }),
} as const

/** Certificates that were of use, by their files. */
type LastGood = Map<string, TlsIdentity>

/** What the options come to; undefined where they leave all to the listener. */
export function tlsChoice({
  tls_certificate: certificate,
  tls_ciphers: ciphers,
}: OptionValues<typeof clientTlsOptions>): TlsChoice | undefined {
  if (certificate === undefined && ciphers === '') return undefined
  return {
    ...(certificate === undefined ? {} : { certificate }),
    ...(ciphers === '' ? {} : { ciphers }),
  }
}

function certificateFile(inner: Option<FollowedFile>): Option<TlsCertificate> {
  // As many rules as may name one, it is followed once.
  const followed = new WeakMap<OptionResources, Map<string, TlsCertificate>>()
  // Under this configuration and those before it.
  const lastGood = new WeakMap<object, LastGood>()
  return {
    ...inner,
    parse(value, resources) {
      const parsed = inner.parse(value, resources)
      if (!parsed.ok) return parsed
      const known = followed.get(resources) ?? new Map<string, TlsCertificate>()
      followed.set(resources, known)
      const { lineage = resources } = resources
      const good = lastGood.get(lineage) ?? new Map<string, TlsIdentity>()
      lastGood.set(lineage, good)
      const certificate = known.get(parsed.value.path) ?? readable(parsed.value, good)
      known.set(parsed.value.path, certificate)
      return { ok: true, value: certificate }
    },
  }
}

/** One that cannot be read is as good as missing to its clients, and nothing to everybody else. */
function readable(file: FollowedFile, good: LastGood): TlsCertificate {
  try {
    return followCertificate(file, good)
  } catch (error) {
    if (!isPosternError(error)) throw error
    const remedy = 'it must be a file that the gateway may read; then reload'
    return {
      path: file.path,
      held: { problem: `${file.path} cannot be read (${error.detail ?? error.code}); ${remedy}` },
    }
  }
}

function followCertificate(file: FollowedFile, good: LastGood): TlsCertificate {
  const parse = (bytes: Uint8Array | undefined): TlsCertificate['held'] => {
    const pem = bytes === undefined ? '' : new TextDecoder().decode(bytes)
    const identity = { certificate: pem, key: pem }
    const found = bytes === undefined ? absent : identityProblem(identity)
    // Whoever follows keeps what there was, and logs why.
    if (found !== undefined && good.has(file.path))
      throw new Error(`${file.path} ${found.problem}; the certificate before it is shown`)
    if (found !== undefined) return { problem: `${file.path} ${found.problem}; ${found.remedy}` }
    good.set(file.path, identity)
    return identity
  }
  const live = file.follow(parse, good.get(file.path))
  return {
    path: file.path,
    get held() {
      return live.current
    },
  }
}

const absent = {
  problem: 'is missing',
  remedy: 'name a PEM file that holds the certificate and its key',
}
