/** An Authentication-Results field of our own (RFC 8601 §2.2). */

export interface ResultToWrite {
  readonly method: string
  readonly result: string
  readonly reason?: string
  /** In order; a value that is empty is left out. */
  readonly properties?: Readonly<Record<string, string | undefined>>
}

/** The value of the field, one result a line. */
export function formatResults(author: string, results: readonly ResultToWrite[]): string {
  if (results.length === 0) return `${author}; none`
  return [author, ...results.map(formatResult)].join(';\r\n\t')
}

function formatResult({ method, result, reason, properties = {} }: ResultToWrite): string {
  const parts = [`${method}=${result}`]
  if (reason !== undefined) parts.push(`reason=${quotedString(reason)}`)
  for (const [name, value] of Object.entries(properties)) {
    if (value !== undefined && value !== '') parts.push(`${name}=${formatValue(value)}`)
  }
  return parts.join(' ')
}

/** A token, a domain or an address as it is (RFC 8601 §2.2: pvalue), all else in quotes. */
function formatValue(value: string): string {
  return /^[\w!#$%&'*+./=?^`{|}~-]*@?[\w.-]+$/.test(value) && value.length <= 320
    ? value
    : quotedString(value)
}

/** Printable, of bounded length: what a stranger wrote is neither folded nor ended by him. */
function quotedString(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?').slice(0, 320)
  return `"${plain.replace(/["\\]/g, '\\$&')}"`
}
