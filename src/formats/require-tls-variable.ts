/**
 * By what a qmail-queue that a program of a .qmail file runs (`|forward …`) knows that what was delivered must go by TLS
 * wherever it goes (REQUIRETLS, RFC 8689): qmail's envelope has no word for it. Whoever sets it demands more of his own
 * mail, and nothing of anybody else's.
 */
export const requireTlsVariable = 'POSTERN_REQUIRETLS'

/** @param value of the variable */
export function demandsTlsBy(value: string | undefined): boolean {
  return value === '1'
}
