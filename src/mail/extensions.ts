/** The SMTP extensions that a receiver of ours can offer, by their EHLO keywords (RFC 5321 §2.2.1). */
export const extensions = [
  'PIPELINING', // RFC 2920
  'SIZE', // RFC 1870
  '8BITMIME', // RFC 6152
  'SMTPUTF8', // RFC 6531
  'ENHANCEDSTATUSCODES', // RFC 2034
  'CHUNKING', // RFC 3030
  'BINARYMIME', // RFC 3030 §3
  'DSN', // RFC 3461
  'LIMITS', // RFC 9422
  'REQUIRETLS', // RFC 8689
  'PRDR', // draft-hall-prdr
  'ETRN', // RFC 1985
  'STARTTLS', // RFC 3207
  'AUTH', // RFC 4954
  'XCLIENT', // Postfix, XCLIENT_README
  'XFORWARD', // Postfix, XFORWARD_README
] as const

export type Extension = (typeof extensions)[number]

/** Whether a keyword, in capitals, names one of them. */
export function isExtension(keyword: string): keyword is Extension {
  return extensions.some((extension) => extension === keyword)
}
