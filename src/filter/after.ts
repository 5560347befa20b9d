import type { MaybePromise } from '../mail/maybe-promise.ts'

/** Goes on with a value: at once if it is there, later if it is promised. */
export function after<T, U>(
  value: MaybePromise<T>,
  proceed: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return value instanceof Promise ? value.then(proceed) : proceed(value)
}
