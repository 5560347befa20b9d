/** Who writes, as the environment says (qmail-inject.8): for the From field and for the envelope. */
import { isPlainLocalPart } from '../qmail-address.ts'
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

/** As a field says it that somebody wrote, before its address is completed. @param asComment `address (name)` */
export function authorField(
  { user, host, name }: Author,
  { asComment }: { readonly asComment: boolean },
): readonly Token[] {
  const local: Token = { type: isPlainLocalPart(user) ? 'atom' : 'quoted', text: user }
  const address = [local, ...atHost(host)]
  if (name === undefined) return address
  if (asComment) return [...address, { type: 'comment', text: name }]
  return [{ type: 'quoted', text: name }, { type: 'left' }, ...address, { type: 'right' }]
}

/** Whatever is in it is quoted, and read with the field. */
export function senderField({ user, host }: Author): readonly Token[] {
  return [{ type: 'quoted', text: user }, ...atHost(host)]
}

function atHost(host: string | undefined): readonly Token[] {
  return host === undefined ? [] : [{ type: 'at' }, { type: 'atom', text: host }]
}
