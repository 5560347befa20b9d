import type { Session } from '../mail/session.ts'
import type { ConnectionFacts, SessionPolicy } from './policy.ts'

/** A session of which nothing is known but who came where, and what the policy says of such clients. */
export function newSession(
  facts: ConnectionFacts,
  { settings, environment }: SessionPolicy,
): Session {
  const { id, startedAt, listener, remote, local, remoteName, introduction, tls, user } = facts
  return {
    id,
    startedAt,
    listener,
    remote,
    local,
    hostname: settings.hostname,
    environment,
    ...(remoteName === undefined ? {} : { remoteName }),
    ...(introduction?.remoteInfo === undefined ? {} : { remoteInfo: introduction.remoteInfo }),
    ...(tls === undefined ? {} : { tls }),
    ...(user === undefined ? {} : { user }),
  }
}
