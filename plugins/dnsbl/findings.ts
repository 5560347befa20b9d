import { findingKey } from 'postern/plugin'

/** What DNS lists say of the client: the sum of the weights, and the lists that hold it. Only where one
 * does; below zero, the client is known for good. */
export const dnsListed = findingKey<
  { readonly weight: number; readonly lists: readonly string[] },
  'dns-listed'
>('dns-listed')
