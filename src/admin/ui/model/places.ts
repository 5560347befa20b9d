/** The pages, and the URL of each: what is shown is always in the address bar, so it can be sent to a colleague. */

export type PageName =
  | 'now'
  | 'messages'
  | 'queue'
  | 'quarantine'
  | 'chain'
  | 'policy'
  | 'domains'
  | 'try'
  | 'system'

export interface PageRow {
  readonly name: PageName
  readonly title: string
  /** Its first path segment; empty for the page one lands on. */
  readonly segment: string
  /** After `g`, this key goes there. */
  readonly key: string
}

/** In the order of the navigation. */
export const pageRows: readonly PageRow[] = [
  { name: 'now', title: 'Now', segment: '', key: 'n' },
  { name: 'messages', title: 'Messages', segment: 'messages', key: 'm' },
  { name: 'queue', title: 'Queue', segment: 'queue', key: 'q' },
  { name: 'quarantine', title: 'Quarantine', segment: 'quarantine', key: 'h' },
  { name: 'chain', title: 'Chain', segment: 'chain', key: 'c' },
  { name: 'policy', title: 'Policy', segment: 'policy', key: 'p' },
  { name: 'domains', title: 'Domains and users', segment: 'domains', key: 'd' },
  { name: 'try', title: 'Try it', segment: 'try', key: 't' },
  { name: 'system', title: 'System', segment: 'system', key: 's' },
]

/** Where somebody is. */
export interface Place {
  readonly page: PageName
  /** What follows the page's own segment, decoded: an id, a tab. */
  readonly rest: readonly string[]
  readonly query: URLSearchParams
}

/** @returns undefined for a path that no page has */
export function placeOf(pathname: string, search = ''): Place | undefined {
  const [segment = '', ...rest] = pathname.split('/').filter((part) => part !== '')
  const row = pageRows.find((each) => each.segment === segment)
  const decoded = rest.map(decodePart)
  if (row === undefined || decoded.includes(undefined)) return undefined
  return {
    page: row.name,
    rest: decoded.filter((part) => part !== undefined),
    query: new URLSearchParams(search),
  }
}

function decodePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** The URL of a page, of one thing on it, and of what is asked there; empty values are left out. */
export function pathOf(
  page: PageName,
  rest: readonly string[] = [],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const segment = pageRows.find(({ name }) => name === page)?.segment ?? ''
  const path = ['', segment, ...rest.map(encodeURIComponent)].filter(
    (part, index) => index === 0 || part !== '',
  )
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, value)
  }
  return `${path.join('/') || '/'}${search.size === 0 ? '' : `?${search.toString()}`}`
}
