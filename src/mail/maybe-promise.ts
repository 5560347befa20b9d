/** A value now or later. The hot path stays synchronous where it can: an `await` per verb costs half the throughput. */
export type MaybePromise<T> = T | Promise<T>

/** Goes on with a value: at once where it is there. */
export function after<T, U>(
  value: MaybePromise<T>,
  proceed: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return value instanceof Promise ? value.then(proceed) : proceed(value)
}

/** All of them, at once where all are there. */
export function together<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  return values.every(isThere) ? values : Promise.all(values)
}

function isThere<T>(value: MaybePromise<T>): value is T {
  return !(value instanceof Promise)
}
