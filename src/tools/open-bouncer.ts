/** What tells senders of failures, as the control files and the delivery section have it. */
import type { Configuration } from '../config/configuration.ts'
import {
  createBouncer,
  type Bouncer,
  type BouncerOptions,
  type BounceSettings,
} from '../delivery/bounce.ts'
import { holdsBounce, type UnauthenticatedRules } from '../delivery/unauthenticated.ts'
import type { Disk } from '../runtime/disk.ts'
import { openRewriting } from './open-rewriting.ts'

/** Without control/bouncemaxbytes, larger messages are bounced without their body. */
const defaultMaxBytes = 256 * 1024
/** A bounce is made in memory: however generous bouncemaxbytes is. */
const mostBytes = 16 * 1024 * 1024

export interface BouncerParts extends Omit<BouncerOptions, 'settings'> {
  /** The configuration in force. */
  readonly current: () => Configuration
  readonly disk: Disk
}

export function openBouncer({ current, disk, ...doors }: BouncerParts): Bouncer {
  const { clock, random, log } = doors
  const rewriting = openRewriting({ disk, clock, random, log, current })
  return createBouncer({
    ...doors,
    settings: () => ({
      ...bounceSettings(current()),
      senderBehind: async (mailbox) => rewriting.senderBehind(mailbox),
    }),
  })
}

export function bounceSettings(configuration: Configuration): BounceSettings {
  const { me, bounceFrom, bounceHost, doubleBounceTo, doubleBounceHost, bounceMaxBytes } =
    configuration.control
  const rules = unauthenticatedRules(configuration)
  return {
    hostname: me,
    from: { localPart: bounceFrom, domain: bounceHost },
    doubleBounceTo: { localPart: doubleBounceTo, domain: doubleBounceHost },
    format: configuration.delivery.bounceFormat,
    maxBytes: Math.min(bounceMaxBytes ?? defaultMaxBytes, mostBytes) || mostBytes,
    holds: (recipient) => holdsBounce(recipient, rules),
  }
}

function unauthenticatedRules({ control, delivery }: Configuration): UnauthenticatedRules {
  const { envNoAtHost, rcptHosts, locals, virtualDomains } = control
  const { bounceUnauthenticated, validatedDomains } = delivery
  return {
    defaultHost: envNoAtHost,
    accepted: rcptHosts,
    isLocal: ({ localPart, domain }) =>
      locals.has(domain) || (virtualDomains.find(`${localPart}@${domain}`)?.prefix ?? '') !== '',
    validated: validatedDomains,
    ...(bounceUnauthenticated === undefined ? {} : { rule: bounceUnauthenticated }),
  }
}
