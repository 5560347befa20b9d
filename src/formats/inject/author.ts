/** Who writes, as the environment says (qmail-inject.8): for the From field and for the envelope. */
import type { Token } from './tokens.ts'

export type Variables = ReadonlyMap<string, string>

export interface Author {
  readonly user: string
  /** `undefined`: the default host. */
  readonly host: string | undefined
  readonly name: string | undefined
}

function firstOf(variables: Variables, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = variables.get(name)
    if (value !== undefined) return value
  }
  return undefined
}

export function authorOf(variables: Variables): Author {
  return {
    user: firstOf(variables, ['QMAILUSER', 'MAILUSER', 'USER', 'LOGNAME']) ?? 'anonymous',
    host: firstOf(variables, ['QMAILHOST', 'MAILHOST']),
    name: firstOf(variables, ['QMAILNAME', 'MAILNAME', 'NAME']),
  }
}

export function envelopeAuthorOf(variables: Variables): Author {
  const author = authorOf(variables)
  return {
    ...author,
    user: variables.get('QMAILSUSER') ?? author.user,
    host: variables.get('QMAILSHOST') ?? author.host,
  }
}

/** Without a host, where none is said: it is completed like any other address. */
export function addressOf({ user, host }: Pick<Author, 'user' | 'host'>): readonly Token[] {
  if (host === undefined) return [word(user)]
  return [word(user), { type: 'at' }, ...hostTokens(host)]
}

function hostTokens(host: string): readonly Token[] {
  return host.split('.').flatMap((label, index): readonly Token[] => {
    const tokens: readonly Token[] = label === '' ? [] : [word(label)]
    return index === 0 ? tokens : [{ type: 'dot' }, ...tokens]
  })
}

const plainWord = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+$/

function word(text: string): Token {
  return { type: plainWord.test(text) ? 'atom' : 'quoted', text }
}
