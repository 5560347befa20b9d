/**
 * Conditions of an entry (`when`, `unless`): all given keys must hold, a list holds if one of its items does.
 * One that is not yet known at the entry's stage is judged when its refusal is about to be spoken.
 */
export interface ConditionShape {
  readonly listener?: readonly string[]
  readonly authenticated?: boolean
  readonly relay_client?: boolean
  /** Whether an entry that provides the finding `allowed` says that it holds. */
  readonly allowed?: boolean
  /** Addresses and networks: `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. */
  readonly network?: readonly string[]
  /** Names of variables that must be set: `NAME`, or `NAME=value`. */
  readonly environment?: readonly string[]
  /** Whole addresses, or `postmaster@` for one of whatever domain, and of none; compared without regard to case. */
  readonly recipient?: readonly string[]
  /** Domains; `.example.org` means every subdomain. */
  readonly recipient_domain?: readonly string[]
}

/** One condition, or several of which one is enough. */
export type Conditions = ConditionShape | readonly ConditionShape[]

export function conditionList(conditions: Conditions | undefined): readonly ConditionShape[] {
  if (conditions === undefined) return []
  return isList(conditions) ? conditions : [conditions]
}

function isList(conditions: Conditions): conditions is readonly ConditionShape[] {
  return Array.isArray(conditions)
}
