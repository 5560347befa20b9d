/** Addresses as qmail's own programs write and quote them. */

const plainLocalPart = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+$/

/**
 * As in `Return-Path: <…>`: the local-part is quoted where RFC 822 asks for it, the rest stays as it is.
 * @param address `local-part@domain`, or without a domain; empty stays empty
 */
export function quoteAddress(address: string): string {
  if (address === '') return ''
  const at = address.lastIndexOf('@')
  const localPart = at < 0 ? address : address.slice(0, at)
  return quoteLocalPart(localPart) + (at < 0 ? '' : address.slice(at))
}

function quoteLocalPart(localPart: string): string {
  const dotsRight =
    !localPart.startsWith('.') && !localPart.endsWith('.') && !localPart.includes('..')
  if (dotsRight && plainLocalPart.test(localPart)) return localPart
  return `"${localPart.replace(/[\r\n"\\]/g, '\\$&')}"`
}
