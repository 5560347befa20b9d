/** As much as anybody ever needs in one transaction. */
export const mostRecipients = 100_000

/**
 * MAXRCPT and control/maxrcpt as a number of recipients: below 1 there is no limit, and one below 100 is 100, since
 * everybody may send to as many (RFC 5321 §4.5.3.1.8).
 */
export function recipientsOfMaxrcpt(number: number): number {
  return number < 1 ? mostRecipients : Math.min(Math.max(number, 100), mostRecipients)
}
