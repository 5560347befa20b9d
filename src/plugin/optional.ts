import type { Option } from './option.ts'

/** An option that may be left out (or be null), without a default. */
export function optional<T>(inner: Option<T>): Option<T | undefined> {
  return {
    ...inner,
    default: null,
    parse: (value, resources) =>
      value === null ? { ok: true, value: undefined } : inner.parse(value, resources),
  }
}
