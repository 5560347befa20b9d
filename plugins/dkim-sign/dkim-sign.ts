/**
 * Signs what our own people send (RFC 6376, RFC 8463): by each key that is there for the domain in From. Without a key
 * there is no signature; a key that cannot be used is a fault. What strangers send in our name is never signed.
 */
import {
  asciiDomain,
  definePlugin,
  option,
  relayClient,
  type Findings,
  type ReadByAll,
  type Message,
  type Session,
  type SignatureField,
} from 'postern/plugin'
import { relaxedBodyHash } from '../shared/mailauth/body-hash.ts'
import { authorDomains } from '../shared/mailauth/author.ts'
import { signHeader } from '../shared/mailauth/sign-header.ts'
import { headerOf } from '../shared/mailauth/signed-header.ts'
import { SigningKeys } from '../shared/mailauth/signing-keys.ts'

/** RFC 6376 §5.4.1, with what list software and mail clients go by. */
const usualFields = (
  'From Sender Reply-To Subject Date Message-ID To Cc MIME-Version Content-Type Content-Transfer-Encoding Content-ID ' +
  'In-Reply-To References List-Id List-Post List-Help List-Unsubscribe List-Unsubscribe-Post List-Subscribe ' +
  'List-Owner List-Archive'
).split(' ')

export const dkimSign = definePlugin({
  name: 'dkim-sign',
  summary: 'Signs outgoing mail by DKIM, for each domain that has a key (DKSIGN).',
  options: {
    keys: option.templates({
      default: ['dkim/%/default', 'dkim/%/ed25519'],
      env: 'DKSIGN',
      description:
        'Files of private keys: `%` stands for the domain in From, the file’s name is the selector.',
    }),
    fields: option.strings({
      default: usualFields,
      description: 'Fields of the header that are signed, as often as they are there.',
    }),
    sealed: option.strings({
      default: ['From', 'Subject', 'Content-Type'],
      description: 'Those of them that nobody may add, or add again.',
    }),
    expires_after: option.duration({
      default: '0s',
      description: 'How long a signature counts; 0s: for ever.',
    }),
  },
  setup(_defaults, { clock, log }) {
    const keys = new SigningKeys(log)
    return {
      async sign({ transaction, message }, { options, findings, signal }) {
        if (!isOurs(transaction.session, findings)) return []
        const domain = signingDomain(message)
        const own = domain === undefined ? [] : keys.keysFor(domain, options.keys)
        if (own.length === 0) return []
        const signedAt = Math.floor(clock.now() / 1000)
        const lasts = Math.floor(options.expires_after / 1000)
        const request = {
          header: await headerOf(message),
          bodyHash: await relaxedBodyHash(message, signal),
          fields: options.fields,
          sealed: options.sealed,
          signedAt,
          ...(lasts === 0 ? {} : { expiresAt: signedAt + lasts }),
        }
        const signed: SignatureField[] = []
        for (const key of own) {
          signed.push({ name: 'DKIM-Signature', value: await signHeader(key, request) })
        }
        return signed
      },
    }
  },
})

/** Somebody who has logged in, or a client that may relay. */
function isOurs(session: Session, findings: Findings<ReadByAll>): boolean {
  return session.user !== undefined || findings.get(relayClient) !== undefined
}

/** The one domain in From, as A-labels: with several, DMARC could not be met by one of them alone. */
function signingDomain(message: Message): string | undefined {
  const authors = authorDomains(message.header.all('from'))
  if (!authors.readable || authors.domains.length > 1) return undefined
  const [domain = ''] = authors.domains
  return asciiDomain(domain) || undefined
}
