/** A value now or later. The hot path stays synchronous where it can: an `await` per verb costs half the throughput. */
export type MaybePromise<T> = T | Promise<T>
