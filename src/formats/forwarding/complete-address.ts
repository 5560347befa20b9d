import type { Qualifiers } from '../inject/qualify.ts'

/**
 * An address of a list, with the host and the domain that it lacks; `host+` is the host in control/plusdomain.
 * @param marked whether it has an `@` that is not quoted
 */
export function completeAddress(
  address: string,
  marked: boolean,
  { defaultHost, defaultDomain, plusDomain }: Qualifiers,
): string {
  let whole = address
  if (!marked) whole += whole.endsWith('@') ? defaultHost : `@${defaultHost}`
  if (whole.endsWith('+')) whole = `${whole.slice(0, -1)}.${plusDomain}`
  const host = whole.slice(Math.max(0, whole.lastIndexOf('@')))
  return host.includes('.') ? whole : `${whole}.${defaultDomain}`
}
