/** How senders of forwarded mail are rewritten, as the configuration in force says. */
import { join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { SenderRewriting, type RewritingParts } from '../delivery/sender-rewriting.ts'
import { canonicalDomain } from '../delivery/router.ts'
import { asciiDomain } from '../mail/domain.ts'
import { meantDomain, type DomainReader } from '../runtime/find-address.ts'

/** What counts of a configuration. */
export interface RewritingConfiguration {
  readonly folder: string
  readonly control: Pick<Configuration['control'], 'me' | 'locals' | 'rcptHosts' | 'virtualDomains'>
  readonly delivery: Pick<Configuration['delivery'], 'srs'>
}

export interface OpenRewritingParts extends Omit<RewritingParts, 'settings'> {
  /** The configuration in force. */
  readonly current: () => RewritingConfiguration
  /** Whose domains, and other names of these, are ours too; absent where only bounces are read. */
  readonly accounts?: DomainReader
}

export function openRewriting({
  current,
  accounts,
  ...doors
}: OpenRewritingParts): SenderRewriting {
  return new SenderRewriting({
    ...doors,
    settings: () => {
      const { folder, control, delivery } = current()
      return {
        enabled: delivery.srs,
        folder: join(folder, 'control'),
        hostname: control.me,
        isOurs: async (domain) =>
          isOurs(domain, control) ||
          (accounts !== undefined &&
            (await meantDomain(accounts, canonicalDomain(domain))) !== undefined),
      }
    },
  })
}

/** Nobody asks such a domain, or its next hop, whether mail of others may come from us. */
function isOurs(
  domain: string,
  { me, locals, rcptHosts, virtualDomains }: RewritingConfiguration['control'],
): boolean {
  const name = asciiDomain(domain) || domain.toLowerCase()
  return (
    name === '' ||
    name === me.toLowerCase() ||
    locals.has(name) ||
    rcptHosts.find(name) !== undefined ||
    (virtualDomains.find(`@${name}`)?.prefix ?? '') !== ''
  )
}
