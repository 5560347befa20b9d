/** A list that comes page by page, by cursor. */
import { useEffect, useState } from 'preact/hooks'
import { useLoad, type Loaded } from './use-load.ts'

interface CursorPage<R> {
  readonly items: readonly R[]
  readonly next?: string
}

export interface Pages<R> extends Omit<Loaded<readonly R[]>, 'value'> {
  readonly items: readonly R[] | undefined
  /** Undefined: there is no more. */
  readonly more: (() => void) | undefined
  /** An answer ended before the page was full: it goes on by itself. */
  readonly searching: boolean
}

interface Older<R> {
  readonly key: string
  readonly items: readonly R[]
  readonly next?: string | undefined
  readonly loading: boolean
  readonly error?: unknown
}

/** @param fill rows that make a page full, where an answer may have fewer and yet another one behind it */
export function usePages<R>(
  key: string,
  load: (cursor: string | undefined, signal?: AbortSignal) => Promise<CursorPage<R>>,
  fill = 0,
): Pages<R> {
  const first = useLoad(key, (signal) => load(undefined, signal))
  const [kept, setOlder] = useState<Older<R> | undefined>()
  const older = kept?.key === key ? kept : undefined
  const next = older === undefined ? first.value?.next : older.next
  const [full, setFull] = useState({ key, pages: 1 })
  const pages = full.key === key ? full.pages : 1
  const more = async (cursor: string): Promise<void> => {
    const items = older?.items ?? []
    // Somebody may ask for something else meanwhile.
    const settle = (now: Omit<Older<R>, 'key'>): void =>
      setOlder((before) => (before?.key === key ? { key, ...now } : before))
    setOlder({ key, items, next: cursor, loading: true })
    try {
      const page = await load(cursor)
      settle({ items: [...items, ...page.items], next: page.next, loading: false })
    } catch (error) {
      settle({ items, next: cursor, loading: false, error })
    }
  }
  const items =
    first.value === undefined ? undefined : [...first.value.items, ...(older?.items ?? [])]
  const error = first.error ?? older?.error
  const loading = first.loading || older?.loading === true
  const searching =
    items !== undefined && next !== undefined && error === undefined && items.length < fill * pages
  useEffect(() => {
    if (searching && !loading) void more(next)
  }, [searching, loading, next])
  return {
    items,
    error,
    loading,
    searching,
    reload() {
      setOlder(undefined)
      first.reload()
    },
    more:
      next === undefined
        ? undefined
        : () => {
            setFull({ key, pages: pages + 1 })
            void more(next)
          },
  }
}
