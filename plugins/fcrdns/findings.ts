import { findingKey } from 'postern/plugin'

export type ClientName = {
  /** `none`: the address has no name; `unconfirmed`: none that leads back to it. */
  readonly result: 'confirmed' | 'unconfirmed' | 'none'
  /** The confirmed name, else the first of the others. */
  readonly name?: string
}

/** What the DNS calls the client. */
export const clientName = findingKey<ClientName, 'client-name'>('client-name')
