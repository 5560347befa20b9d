/**
 * The variables that a tcp.smtp rule (or a login) set for one session.
 * Two sessions that matched the same rule share one Environment object: options resolved for it are cached by identity.
 */
export interface Environment {
  readonly variables: ReadonlyMap<string, string>
  /** Where the variables come from, for a person: `tcp.smtp:12 (192.0.2.)`, or `none`. */
  readonly source: string
}

export const emptyEnvironment: Environment = { variables: new Map(), source: 'none' }
