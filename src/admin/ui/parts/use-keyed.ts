import { useState } from 'preact/hooks'

/**
 * State that belongs to something: with another key it begins anew, in the same breath. An effect that resets it would
 * come late, and take away what somebody has typed meanwhile.
 */
export function useKeyed<T>(key: string, initial: T): readonly [T, (value: T) => void] {
  const [kept, keep] = useState<{ readonly key: string; readonly value: T }>({
    key,
    value: initial,
  })
  return [kept.key === key ? kept.value : initial, (value) => keep({ key, value })]
}
