import type { HopReply } from './reply-reader.ts'

/** Keywords of the EHLO reply in upper case, with their parameters (RFC 5321 §4.1.1.1). Empty after HELO. */
export type Extensions = ReadonlyMap<string, string>

export function extensionsOf({ lines }: HopReply): Extensions {
  const extensions = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const [, keyword, parameters = ''] = /^([a-z\d][a-z\d-]*)(?:[ =](.*))?$/i.exec(line) ?? []
    if (keyword !== undefined) extensions.set(keyword.toUpperCase(), parameters.trim())
  }
  return extensions
}

/** What a next hop bears in one session, and in one transaction (LIMITS, RFC 9422). */
export interface HopLimits {
  readonly mails: number
  readonly recipients: number
  readonly recipientDomains: number
}

/** A limit that is missing or makes no sense is none. */
export function limitsOf(extensions: Extensions): HopLimits {
  const given = new Map<string, number>()
  for (const item of (extensions.get('LIMITS') ?? '').split(/[ \t]+/).slice(0, 20)) {
    const [, name, digits] = /^([a-z]+)=([1-9]\d{0,5})$/i.exec(item) ?? []
    if (name !== undefined) given.set(name.toUpperCase(), Number(digits))
  }
  return {
    mails: given.get('MAILMAX') ?? Infinity,
    recipients: given.get('RCPTMAX') ?? Infinity,
    recipientDomains: given.get('RCPTDOMAINMAX') ?? Infinity,
  }
}
