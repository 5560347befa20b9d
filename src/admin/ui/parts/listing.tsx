/** What stands between a request and its rows: waiting, an error, nothing, or more to come. */
import type { ComponentChildren } from 'preact'
import { PanelProblem } from './notice.tsx'
import type { Pages } from './use-pages.ts'

export function Listing<R>({
  pages,
  empty,
  children,
}: {
  readonly pages: Pages<R>
  readonly empty: ComponentChildren
  readonly children: (items: readonly R[]) => ComponentChildren
}) {
  const { items, error, loading, more, searching } = pages
  return (
    <>
      <PanelProblem error={error} />
      {items === undefined ? (
        <Waiting loading={loading} />
      ) : items.length === 0 && searching ? (
        <div class="empty" role="status">
          Still searching …
        </div>
      ) : items.length === 0 ? (
        empty
      ) : (
        children(items)
      )}
      {more === undefined ? null : (
        <div class="more">
          <button type="button" class="button" disabled={loading || searching} onClick={more}>
            {searching ? 'Still searching …' : loading ? 'Loading …' : 'Show more'}
          </button>
        </div>
      )}
    </>
  )
}

export function Waiting({ loading = true }: { readonly loading?: boolean }) {
  return loading ? (
    <div class="empty" role="status">
      Loading …
    </div>
  ) : null
}
