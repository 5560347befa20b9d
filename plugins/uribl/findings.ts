import { findingKey } from 'postern/plugin'

/** Domains that the message links to and lists hold, and the heaviest weight of one. Only where there is one. */
export const linksListed = findingKey<
  {
    readonly weight: number
    readonly domains: readonly string[]
  },
  'links-listed'
>('links-listed')
