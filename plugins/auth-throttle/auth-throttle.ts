/**
 * Guessing passwords takes time: failed logins are counted for the client's address, its network and the user, each
 * failure is answered later than the one before, and beyond a limit nobody is asked any more. Whether there is such a user
 * changes nothing. Who has logged in from a network before is not kept out by strangers who guess.
 */
import { createHash } from 'node:crypto'
import {
  accountKey,
  clientNetwork,
  defer,
  definePlugin,
  isPosternError,
  option,
  pass,
  type Session,
  type StoreTable,
} from 'postern/plugin'
import { pause } from '../shared/pause/pause.ts'
import { Attempts, type Attempt, type Limit } from './attempts.ts'
import { Failures } from './failures.ts'

/** What a client of IPv6 has at least is a /64; a /48 is what a site gets. */
const host = { ipv4: 32, ipv6: 64 }
const site = { ipv4: 24, ipv6: 48 }

/** Well below what clients wait for a reply (RFC 5321 §4.5.3.2). */
const longestDelayMs = 60_000
/** Beyond it each delay is the longest. */
const mostDoublings = 32
const knownMs = 30 * 86_400_000
const mostKnown = 100_000

export const authThrottle = definePlugin({
  name: 'auth-throttle',
  summary: 'Slows failed logins down, and stops them, per address, network and user.',
  // A count that cannot be had keeps nobody from logging in.
  defaults: { onFault: 'pass', timeoutMs: longestDelayMs + 10_000 },
  options: {
    per_address: option.integer({
      default: 10,
      min: 0,
      description: 'Failures of one address (of IPv6, one /64) within the window; 0: any number.',
    }),
    per_network: option.integer({
      default: 50,
      min: 0,
      description: 'Failures of one /24 (of IPv6, one /48); 0: any number.',
    }),
    per_user: option.integer({
      default: 30,
      min: 0,
      description: 'Failures of one user, from wherever; 0: any number.',
    }),
    window: option.duration({ default: '15m', description: 'So long a failure counts.' }),
    delay: option.duration({
      default: '1s',
      description: 'How late the first failure is answered; each further one takes twice as long.',
    }),
    max_delay: option.duration({ default: '20s', description: 'At most, and never over 60s.' }),
  },
  setup(configured, doors) {
    const { clock, counters, log, store } = doors
    const windowMs = configured.window
    const failures = new Failures(doors, windowMs)
    const attempts = new Attempts({ clock, counters, failures, windowMs })
    const running = new WeakMap<Session, Attempt>()
    const known = store.table('known', { maxEntries: mostKnown })
    return {
      async auth({ session, user }, { options, signal }) {
        const { per_address, per_network, per_user } = options
        const where = placesOf(session)
        const limits: Limit[] = [
          { key: `address ${where.address}`, most: per_address },
          { key: `network ${where.network}`, most: per_network },
          { key: `user ${nameOf(user)}`, most: per_user },
        ]
        const trusted = await isKnown(known, knownKey(session, user), signal)
        const counted = limits.filter(
          ({ key, most }) => most > 0 && !(trusted && key.startsWith('user ')),
        )
        const begun = await attempts.begin(counted)
        if (!('reached' in begun)) {
          running.set(session, begun)
          return pass()
        }
        const [limit = ''] = begun.reached.key.split(' ')
        const { address } = session.remote
        const said = { session: session.id, address, user: user.slice(0, 256), limit }
        log.warn('auth-throttle.refused', said)
        return defer('4.7.0', 'Too many failed logins, try again later', {
          reason: 'TOO_MANY_FAILED_LOGINS',
          evidence: { limit },
          close: true,
        })
      },

      async loginEnded({ session, user, outcome, denied }, { options, signal }) {
        const attempt = running.get(session)
        running.delete(session)
        if (attempt === undefined) return
        if (outcome === 'accepted') {
          known.putLater(knownKey(session, user), true, clock.now() + knownMs)
          await forgiven(failures, session, user)
        }
        // While one back end is down, a password that another denied has been guessed all the same.
        const failed = outcome === 'rejected' || (outcome === 'deferred' && denied)
        if (!failed) return attempts.forget(attempt)
        const where = `address ${placesOf(session).address}`
        await attempts.fail(attempt, { whose: nameOf(user), where })
        const before = await attempts.count(where, mostDoublings)
        const delayMs = options.delay * 2 ** Math.max(0, before - 1)
        await pause(Math.min(delayMs, options.max_delay, longestDelayMs), { clock, signal })
      },
    }
  },
})

function placesOf({ remote }: Session): { readonly address: string; readonly network: string } {
  return {
    address: clientNetwork(remote.address, host) ?? 'local',
    network: clientNetwork(remote.address, site) ?? 'local',
  }
}

/** A user's name in few bytes, whatever a client says. */
function nameOf(user: string): string {
  return createHash('sha256').update(accountKey(user)).digest('base64url').slice(0, 22)
}

function knownKey(session: Session, user: string): string {
  return `${nameOf(user)} ${placesOf(session).address}`
}

/**
 * Who has mistyped a password and then knows it has guessed nothing: what failed of this user at this address counts no
 * longer, under no limit. What failed of others does: one good login lets nobody guess on.
 */
async function forgiven(failures: Failures, session: Session, user: string): Promise<void> {
  const { address, network } = placesOf(session)
  const whose = nameOf(user)
  const keys = [`address ${address}`, `network ${network}`, `user ${whose}`] as const
  try {
    await failures.forgive(keys, whose)
  } catch (error) {
    if (!isPosternError(error, 'STORE_FAILED')) throw error
  }
}

/** Who cannot be looked up is a stranger. */
async function isKnown(table: StoreTable, key: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await table.get(key, signal)) === true
  } catch (error) {
    if (isPosternError(error, 'STORE_FAILED')) return false
    throw error
  }
}
