/** What a page shows, fetched: again when what it depends on changes, or when the gateway comes back. */
import { useSignalEffect } from '@preact/signals'
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { useApp } from '../app-context.ts'

export interface Loaded<T> {
  readonly value: T | undefined
  readonly error: unknown
  readonly loading: boolean
  readonly reload: () => void
}

interface State<T> {
  readonly key: string
  readonly value?: T
  readonly error?: unknown
  readonly loading: boolean
}

/**
 * @param key names what is loaded: with another key the old value is gone
 * @param load undefined: there is nothing to load
 */
export function useLoad<T>(
  key: string,
  load: ((signal: AbortSignal) => Promise<T>) | undefined,
): Loaded<T> {
  const { revision } = useApp()
  const [state, setState] = useState<State<T>>({ key, loading: true })
  const [round, setRound] = useState(0)
  const current = useRef(load)
  current.current = load
  const reload = useCallback(() => setRound((before) => before + 1), [])
  useSignalEffect(() => {
    if (revision.value > 0) reload()
  })
  // At once: an effect would wait until the empty page has been painted.
  useLayoutEffect(() => {
    const { current: ask } = current
    if (ask === undefined) return setState({ key, loading: false })
    const abort = new AbortController()
    setState((before) =>
      before.key === key ? { ...before, loading: true } : { key, loading: true },
    )
    ask(abort.signal).then(
      (value) => {
        if (!abort.signal.aborted) setState({ key, value, loading: false })
      },
      (error: unknown) => {
        if (abort.signal.aborted) return
        setState((before) => ({ ...before, error, loading: false }))
      },
    )
    return () => abort.abort()
  }, [key, round])
  const fresh = state.key === key
  return {
    value: fresh ? state.value : undefined,
    error: fresh ? state.error : undefined,
    loading: !fresh || state.loading,
    reload,
  }
}
