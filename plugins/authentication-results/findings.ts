import { findingKey } from 'postern/plugin'

/** Whether the client's address has a name that has this address (RFC 8601 §2.7.3). */
export type IprevFinding = {
  readonly result: 'pass' | 'fail' | 'temperror' | 'permerror'
  /** The first name that fits. */
  readonly name?: string
}

export const iprevResult = findingKey<IprevFinding, 'iprev'>('iprev')
