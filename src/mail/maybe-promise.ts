/** A value now or later. The hot path stays synchronous where it can: an `await` per verb costs half the throughput. */
export type MaybePromise<T> = T | Promise<T>

/** Goes on with a value: at once where it is there. */
export function after<T, U>(
  value: MaybePromise<T>,
  proceed: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return value instanceof Promise ? value.then(proceed) : proceed(value)
}
