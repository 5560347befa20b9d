import { claimsToBe } from 'postern/plugin'

/** Our own Authentication-Results: the topmost by our name, for what came with the message under it has been removed. */
export function ownResults(fields: readonly string[], hostname: string): string | undefined {
  return fields.find((value) => claimsToBe(hostname, value))
}
