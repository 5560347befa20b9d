/** Reports of RFC 8460 as rows: what was tried with TLS, by domain and policy. */

export interface TlsRow {
  readonly domain: string
  readonly policy: string
  readonly successes: number
  readonly failures: number
  /** In words: which failure, how often, with whom. */
  readonly details: readonly string[]
}

export function tlsRows(reports: readonly unknown[]): readonly TlsRow[] {
  return reports
    .flatMap((report) => listIn(report, 'policies'))
    .map((each) => ({
      domain: textIn(valueIn(each, 'policy'), 'policy-domain'),
      policy: textIn(valueIn(each, 'policy'), 'policy-type'),
      successes: countIn(valueIn(each, 'summary'), 'total-successful-session-count'),
      failures: countIn(valueIn(each, 'summary'), 'total-failure-session-count'),
      details: listIn(each, 'failure-details').map(detailWords),
    }))
    .toSorted((a, b) => b.failures - a.failures || a.domain.localeCompare(b.domain))
}

function detailWords(detail: unknown): string {
  const host = textIn(detail, 'receiving-mx-hostname')
  const why = textIn(detail, 'failure-reason-code')
  return [
    `${textIn(detail, 'result-type')}, ${countIn(detail, 'failed-session-count')} times`,
    ...(host === '' ? [] : [`at ${host}`]),
    ...(why === '' ? [] : [`(${why})`]),
  ].join(' ')
}

function valueIn(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Object.entries(value).find(([key]) => key === name)?.[1]
}

function textIn(value: unknown, name: string): string {
  const found = valueIn(value, name)
  return typeof found === 'string' ? found : ''
}

function countIn(value: unknown, name: string): number {
  const found = valueIn(value, name)
  return typeof found === 'number' ? found : 0
}

function listIn(value: unknown, name: string): readonly unknown[] {
  const found = valueIn(value, name)
  return Array.isArray(found) ? found : []
}
