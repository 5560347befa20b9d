import { isUtf8 } from 'node:buffer'
import { malformedStep, type SaslExchange, type SaslStep } from './exchange.ts'

/** LOGIN (draft-murchison-sasl-login): asks for the user, then for the password; no standard, but in use everywhere. */
export function loginExchange(): SaslExchange {
  let user: string | undefined
  return {
    mechanism: 'LOGIN',
    next(response): SaslStep {
      if (response === undefined) return { step: 'challenge', text: 'Username:' }
      const text = readText(response)
      if (text === undefined) return malformedStep
      if (user !== undefined) return { step: 'credentials', user, password: text }
      user = text
      return { step: 'challenge', text: 'Password:' }
    },
  }
}

function readText(response: Buffer): string | undefined {
  if (response.length === 0 || !isUtf8(response) || response.includes(0)) return undefined
  return response.toString()
}
