import type { DeliveryResult } from '../../mail/delivery-result.ts'

/** Something was found, or this is the result of every recipient. */
export type Found<T> =
  | { readonly found: T; readonly result?: never }
  | { readonly found?: never; readonly result: DeliveryResult }
