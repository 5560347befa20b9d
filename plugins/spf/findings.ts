import { findingKey } from 'postern/plugin'

/** What SPF says of the client and the domain of the reverse-path (or of HELO, where that is empty): RFC 7208 §2.6. */
export type SpfFinding = {
  readonly result: 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'permerror' | 'temperror'
  /** The domain that was checked. */
  readonly domain: string
  readonly identity: 'mailfrom' | 'helo'
}

export const spfResult = findingKey<SpfFinding, 'spf'>('spf')
