/**
 * What can be asked of a running gateway, and how its answers look. One request and one answer are a line of JSON
 * each, over a UNIX socket that only the gateway's own user can reach.
 */
import type { JsonValue } from '../mail/json.ts'

export interface ControlRequest {
  /** What is wanted, such as `queue`. */
  readonly verb: string
  /** What it is wanted of; the verb knows its shape. */
  readonly of: JsonValue
}

export type ControlAnswer =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly problem: string }

/** What a running gateway does for one verb. @throws what becomes an answer that says no */
export type ControlHandler = (of: JsonValue) => Promise<JsonValue>

/** Longer lines are no requests of ours, and no answers. */
export const maxLineBytes = 4 << 20
