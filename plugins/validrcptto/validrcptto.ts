/**
 * Whether a recipient exists, by validrcptto.cdb, a text table with the same keys, or users/assign. It never vouches: who is not
 * refused here must still be vouched for. Without its file it has a fault, because nobody would exist.
 */
import {
  definePlugin,
  defer,
  formatMailbox,
  option,
  pass,
  reject,
  relayClient,
  type CdbTable,
  type Log,
  type Option,
  type Session,
  type Table,
} from 'postern/plugin'
import { probesFor } from './probes.ts'
import { followUsers, type Found } from './users.ts'

export const validrcptto = definePlugin({
  name: 'validrcptto',
  summary: 'Refuses recipients that validrcptto.cdb, or a table, does not hold.',
  options: {
    cdb: unlessEmpty(
      option.cdb({
        default: 'control/validrcptto.cdb',
        env: 'VALIDRCPTTO_CDB',
        description: 'As mkvalidrcptto makes it; set to nothing: nobody is asked about.',
      }),
    ),
    table: option.table({
      default: 'tables/valid-recipients',
      description:
        'The same as text: address, name-default@domain or @domain, one a line; - behind it: not valid.',
    }),
    users: option.file({
      default: 'users/assign',
      description: 'Who is not in these may be a user of this host, or of a virtual domain.',
    }),
    users_cdb: option.cdb({
      default: 'users/cdb',
      description: 'The same as qmail-newu makes it; where it is there, users is not asked.',
    }),
    locals: option.file({ default: 'control/locals' }),
    virtualdomains: option.file({ default: 'control/virtualdomains' }),
    me: option.file({ default: 'control/me' }),
    limit: option.integer({
      default: 10,
      min: 0,
      env: 'VALIDRCPTTO_LIMIT',
      description: 'So many unknown recipients end the session; 0: never.',
    }),
    log: option.integer({
      default: 0,
      min: 0,
      max: 2,
      env: 'VALIDRCPTTO_LOG',
      description: '1: log what was found; 2: each key that was tried too.',
    }),
  },
  setup(usual, { log }) {
    const users = followUsers(usual)
    const unknown = new WeakMap<Session, number>()
    const mustBeThere = cdbsMeant(usual.cdb)
    return {
      async probe() {
        const { cdb, table } = usual
        await Promise.resolve()
        const present = [cdb?.present, table.present, users.present]
        if (!present.includes(true)) throw new Error(nothingThere)
        return 'there are recipients to compare with'
      },
      rcpt({ transaction: { session }, recipient }, { options, findings }) {
        if (session.user !== undefined || findings.get(relayClient) !== undefined) return pass()
        const { cdb, table, limit } = options
        if (cdb === undefined) return pass()
        mustBeThere(cdb)
        if (!cdb.present && !table.present && !users.present) throw new Error(nothingThere)
        const probes = probesFor(recipient.mailbox)
        const found = find(probes, { cdb, table }) ?? users.find(recipient.mailbox)
        const said = {
          recipient: formatMailbox(recipient.mailbox),
          session: session.id,
          address: session.remote.address,
        }
        if (options.log > 0) logProbes(log, { ...said, probes, found, level: options.log })
        if (found?.valid === true) return pass({ reason: 'VALID', evidence: { key: found.key } })
        const count = (unknown.get(session) ?? 0) + 1
        unknown.set(session, count)
        const evidence = { key: found?.key ?? '', unknownSoFar: count }
        log.info('validrcptto.not-found', said)
        if (limit > 0 && count >= limit) {
          log.warn('validrcptto.excessive', said)
          const text = 'too many invalid addresses, goodbye'
          return defer('4.3.0', text, {
            reason: 'TOO_MANY_UNKNOWN',
            evidence,
            close: true,
            at: 'now',
          })
        }
        return reject('5.1.1', 'sorry, this recipient is not in my validrcptto list', {
          reason: 'NOT_VALID',
          evidence,
        })
      },
    }
  },
})

const nothingThere = 'neither the cdb nor the table nor users/assign is there'

/**
 * A cdb that a rule names, or that was there before, is meant: what else is there does not hold its recipients, and they
 * would be refused for good.
 */
function cdbsMeant(usual: CdbTable | undefined): (cdb: CdbTable) => void {
  let wasThere = usual?.present === true
  return (cdb) => {
    if (cdb === usual) wasThere ||= cdb.present
    if (!cdb.present && (cdb !== usual || wasThere)) throw new Error(`${cdb.path} is not there`)
  }
}

/** The first key that is there decides; a value that begins with a hyphen says no. */
function find(
  probes: readonly string[],
  { cdb, table }: { readonly cdb: CdbTable; readonly table: Table },
): Found | undefined {
  for (const key of probes) {
    const bytes = cdb.get(key)
    if (bytes !== undefined) return { key, valid: bytes[0] !== 0x2d }
    const text = table.get(key)
    if (typeof text === 'string') return { key, valid: !text.startsWith('-') }
  }
  return undefined
}

/** `VALIDRCPTTO_CDB=""` in tcp.smtp switches it off for a client. */
function unlessEmpty(cdb: Option<CdbTable>): Option<CdbTable | undefined> {
  return {
    ...cdb,
    parse: (value, resources) =>
      value === '' ? { ok: true, value: undefined } : cdb.parse(value, resources),
  }
}

interface Probed {
  readonly recipient: string
  readonly session: string
  readonly address: string
  readonly probes: readonly string[]
  readonly found: Found | undefined
  readonly level: number
}

function logProbes(log: Log, { probes, found, level, ...said }: Probed): void {
  const tried = probes.slice(0, found === undefined ? undefined : probes.indexOf(found.key) + 1)
  log.info('validrcptto.asked', {
    ...said,
    ...(level > 1 ? { tried: [...tried] } : {}),
    ...(found === undefined ? {} : found.valid ? { found: found.key } : { rejected: found.key }),
  })
}
