/** What is listed by name, page by page; the cursor is the last name of the page before. */
import type { PageRequest } from '../../admin/operations.ts'
import type { MaybePromise } from '../../mail/maybe-promise.ts'
import type { NameRange } from '../../runtime/mail-domains.ts'

const usualPage = 50

/** One page, and where the next begins. */
export async function paged<T>(
  { cursor, limit = usualPage }: PageRequest,
  list: (range: { readonly after: string; readonly limit: number }) => MaybePromise<readonly T[]>,
  nameOf: (item: T) => string,
): Promise<{ readonly items: readonly T[]; readonly next?: string }> {
  const found = await list({ after: cursor ?? '', limit: limit + 1 })
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return last === undefined || found.length <= limit ? { items } : { items, next: nameOf(last) }
}

type InDomain<T> = (range: NameRange & { readonly domain?: string }) => MaybePromise<readonly T[]>

/** The same of some domains together, as if there were no others. @param domains absent: whatever their domain */
export function pagedIn<T>(
  domains: readonly string[] | undefined,
  page: PageRequest,
  list: InDomain<T>,
  nameOf: (item: T) => string,
): ReturnType<typeof paged<T>> {
  if (domains === undefined) return paged(page, list, nameOf)
  const ofAll = async (range: NameRange): Promise<readonly T[]> => {
    const found = await Promise.all(domains.map(async (domain) => list({ ...range, domain })))
    // In the order of the database, by which the next page goes on.
    const named = found.flat().map((item) => ({ item, name: Buffer.from(nameOf(item)) }))
    return named.toSorted((a, b) => a.name.compare(b.name)).map(({ item }) => item)
  }
  return paged(page, ofAll, nameOf)
}
