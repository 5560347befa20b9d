import { findingKey } from 'postern/plugin'

/** The client is a relay of ours: whatever depends on who sent the mail is asked once the message is there. */
export const trustedHop = findingKey<{ readonly address: string }, 'trusted-hop'>('trusted-hop')

export type OriginClient = {
  /** Of whoever handed the mail to the outermost relay of ours. */
  readonly address: string
  /** What it said in HELO or EHLO; empty where nobody knows. */
  readonly hello: string
}

/** At `message`, where a relay of ours has brought the mail and its Received fields say from whom. */
export const originClient = findingKey<OriginClient, 'origin-client'>('origin-client')
