import { isUtf8 } from 'node:buffer'
import { malformedStep, type SaslExchange, type SaslStep } from './exchange.ts'

/** PLAIN (RFC 4616): `[authzid] NUL authcid NUL password`, in one message. */
export function plainExchange(): SaslExchange {
  return {
    mechanism: 'PLAIN',
    next: (response) =>
      response === undefined ? { step: 'challenge', text: '' } : readCredentials(response),
  }
}

function readCredentials(response: Buffer): SaslStep {
  if (!isUtf8(response)) return malformedStep
  const parts = response.toString().split('\0')
  const [identity, user, password] = parts
  if (parts.length !== 3 || user === undefined || user === '' || !password) return malformedStep
  if (identity !== '' && identity !== user) return { step: 'not-oneself' }
  return { step: 'login', user, evidence: { mechanism: 'PLAIN', password } }
}
