/** As much as anybody ever needs in one transaction. */
export const mostRecipients = 100_000

/**
 * MAXRCPT and control/maxrcpt as a number of recipients: below 1 there is no limit. The JMS patch made 100 of what is less,
 * since everybody should be able to send to as many (RFC 5321 §4.5.3.1.8); here whoever says less gets less: what is beyond
 * it is answered 452, and the client sends it in another transaction.
 */
export function recipientsOfMaxrcpt(number: number): number {
  return number < 1 ? mostRecipients : Math.min(number, mostRecipients)
}
