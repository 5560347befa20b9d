import { malformedStep, readText, type SaslExchange, type SaslStep } from './exchange.ts'

/** LOGIN (draft-murchison-sasl-login): asks for the user, then for the password; no standard, but in use everywhere. */
export function loginExchange(): SaslExchange {
  const mechanism = 'LOGIN'
  let user: string | undefined
  return {
    mechanism,
    next(response): SaslStep {
      if (response === undefined) return { step: 'challenge', text: 'Username:' }
      const text = readText(response)
      if (text === undefined) return malformedStep
      if (user !== undefined)
        return { step: 'login', user, evidence: { mechanism, password: text } }
      user = text
      return { step: 'challenge', text: 'Password:' }
    },
  }
}
