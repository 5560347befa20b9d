/** A list that comes page by page, by cursor. */
import { useState } from 'preact/hooks'
import { useLoad, type Loaded } from './use-load.ts'

interface CursorPage<R> {
  readonly items: readonly R[]
  readonly next?: string
}

export interface Pages<R> extends Omit<Loaded<readonly R[]>, 'value'> {
  readonly items: readonly R[] | undefined
  /** Undefined: there is no more. */
  readonly more: (() => void) | undefined
}

interface Older<R> {
  readonly key: string
  readonly items: readonly R[]
  readonly next?: string | undefined
  readonly loading: boolean
  readonly error?: unknown
}

export function usePages<R>(
  key: string,
  load: (cursor: string | undefined, signal?: AbortSignal) => Promise<CursorPage<R>>,
): Pages<R> {
  const first = useLoad(key, (signal) => load(undefined, signal))
  const [kept, setOlder] = useState<Older<R> | undefined>()
  const older = kept?.key === key ? kept : undefined
  const next = older === undefined ? first.value?.next : older.next
  const more = async (cursor: string): Promise<void> => {
    const items = older?.items ?? []
    setOlder({ key, items, next: cursor, loading: true })
    try {
      const page = await load(cursor)
      setOlder({ key, items: [...items, ...page.items], next: page.next, loading: false })
    } catch (error) {
      setOlder({ key, items, next: cursor, loading: false, error })
    }
  }
  return {
    items: first.value === undefined ? undefined : [...first.value.items, ...(older?.items ?? [])],
    error: first.error ?? older?.error,
    loading: first.loading || older?.loading === true,
    reload() {
      setOlder(undefined)
      first.reload()
    },
    more: next === undefined ? undefined : () => void more(next),
  }
}
