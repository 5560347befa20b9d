/** How senders of forwarded mail are rewritten, as the configuration in force says. */
import { join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { SenderRewriting, type RewritingParts } from '../delivery/sender-rewriting.ts'
import { canonicalDomain } from '../delivery/router.ts'
import { asciiDomain } from '../mail/domain.ts'
import type { AccountReader } from '../runtime/accounts.ts'

export interface OpenRewritingParts extends Omit<RewritingParts, 'settings'> {
  /** The configuration in force. */
  readonly current: () => Configuration
  /** Whose domains are ours too; absent where only bounces are read. */
  readonly accounts?: Pick<AccountReader, 'findDomain'>
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
          (await accounts?.findDomain(canonicalDomain(domain))) !== undefined,
      }
    },
  })
}

/** Nobody asks such a domain, or its next hop, whether mail of others may come from us. */
function isOurs(
  domain: string,
  { me, locals, rcptHosts, virtualDomains }: Configuration['control'],
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
