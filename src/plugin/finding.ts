import type { JsonValue } from '../mail/json.ts'

/** Names a kind of fact and its shape: `export const spfResult = findingKey<SpfResult, 'spf'>('spf')`. */
export interface FindingKey<T extends JsonValue, Name extends string = string> {
  readonly name: Name
  /** Carries the type; there is no such property at run time. */
  readonly shape?: T | undefined
}

/** A fact that a plugin learned on the way, for later plugins and for the trace. */
export interface Finding<Name extends string = string> {
  readonly name: Name
  readonly value: JsonValue
}

/** The facts known so far in this session and transaction. `Read`: the names of those that may be asked for. */
export interface Findings<Read extends string = string> {
  readonly get: <T extends JsonValue>(key: FindingKey<T, Read>) => T | undefined
}

/**
 * A key by which a plugin provides a fact and others read it; its name is the one in the trace. It is written twice, once as a
 * type: by that the compiler knows which findings a verdict has, and whether they stand in `provides`.
 */
export function findingKey<T extends JsonValue, Name extends string = string>(
  name: Name,
): FindingKey<T, Name> {
  return { name }
}

/** A fact for a verdict's `findings`. */
export function finding<T extends JsonValue, Name extends string>(
  key: FindingKey<T, Name>,
  value: T,
): Finding<Name> {
  return { name: key.name, value }
}

/** The value of a finding by its key: the one place where a finding gets back the type its key declares. */
export function findingValue<T extends JsonValue>(_key: FindingKey<T>, value: JsonValue): T {
  return value as T
}

/**
 * Whoever sends is welcome here: what others think of its reputation (DNS lists, greylisting, spam scores) does not
 * count. The condition `allowed` reads it. It never vouches, and it lifts no check of recipients or for viruses.
 *
 * An entry that provides it is asked at `rcpt` before any other entry, also where a refusal is remembered: it must be
 * quick. `unproven` is taken back to it when the stages before RCPT have been walked through: SPF may be known then.
 */
export const allowed = findingKey<
  {
    readonly holds: 'yes' | 'no' | 'unproven'
    readonly because: string
    /** At `message`: whom it is true for, as `mailboxKey` writes them. Absent: for whoever is asked about. */
    readonly recipients?: readonly string[]
  },
  'allowed'
>('allowed')

/** The client may relay: by a tcp.smtp rule or by its network. The condition `relay_client` reads it. */
export const relayClient = findingKey<{ readonly because: string }, 'relay-client'>('relay-client')

/** Who relays is known before the first recipient, and concerns every plugin: nobody need declare that they read it. */
export type ReadByAll = typeof relayClient.name
export const readByAll: readonly FindingKey<JsonValue>[] = [relayClient]
