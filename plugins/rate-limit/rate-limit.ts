/**
 * Not more than so much in a time, for a client, its network, a login, a sender or a recipient. The counts are exact across
 * all workers, and live in memory: a restart of the whole gateway begins anew. Who is over a limit is asked to come back.
 */
import { createHash } from 'node:crypto'
import {
  accountKey,
  clientNetwork,
  customerNetwork,
  defer,
  definePlugin,
  mailboxKey,
  option,
  pass,
  reject,
  type Defer,
  type Mailbox,
  type Pass,
  type Reject,
  type ReversePath,
  type Session,
  type Table,
} from 'postern/plugin'
import { parseRate, rateOption, type Rate } from './rate.ts'

/** Longer addresses are counted by a digest: what a client sends must not fill the memory. */
const longestKey = 80

export const rateLimit = definePlugin({
  name: 'rate-limit',
  summary: 'Limits how much comes from a client, network, login or sender, or for a recipient.',
  defaults: { onFault: 'pass' },
  options: {
    connections: rateOption(
      option.string({
        default: 'off',
        env: 'RATE_CONNECTIONS',
        description: 'Connections from one address, such as 60/min.',
      }),
    ),
    client: rateOption(
      option.string({
        default: 'off',
        env: 'RATE_CLIENT',
        description: 'Recipients from one address; not of those who log in.',
      }),
    ),
    network: rateOption(
      option.string({
        default: 'off',
        env: 'RATE_NETWORK',
        description: 'Recipients from one /24 or /64; not of those who log in.',
      }),
    ),
    login: rateOption(
      option.string({
        default: 'off',
        env: 'RATE_LOGIN',
        description: 'Recipients of one login.',
      }),
    ),
    sender: rateOption(
      option.string({
        default: 'off',
        env: 'RATE_SENDER',
        description: 'Recipients of one reverse-path.',
      }),
    ),
    recipient: rateOption(
      option.string({
        default: 'off',
        env: 'RATE_RECIPIENT',
        description: 'Messages for one recipient.',
      }),
    ),
    table: option.table({
      default: 'tables/rate-limits',
      description: 'Rates of their own: login:bob 1000/h, recipient:@example.org off.',
    }),
    refuse: option.choice(['defer', 'reject'], {
      default: 'defer',
      description: 'For now, or for good.',
    }),
    text: option.string({ default: 'Too much mail, please try again later', maxLength: 400 }),
  },
  setup: (_options, { counters }) => {
    const spend = (wanted: readonly Wanted[], options: Refusing) => {
      const { table } = options
      const rates: (Rate & Pick<Wanted, 'what' | 'whom'> & { readonly as: string })[] = []
      for (const { what, whom, as = '', rate, else: other } of wanted) {
        const inForce = table.present ? rateOf(table, [`${what}:${whom}`, ...other], rate) : rate
        if (inForce !== undefined) rates.push({ what, whom, as, ...inForce })
      }
      if (rates.length === 0) return pass()
      const spent = counters.spend(
        rates.map(({ what, whom, as, limit, periodMs }) => {
          // Two periods are two counts: the one would begin the other anew.
          return { key: `${what}${as}:${shortened(whom)}/${periodMs}`, limit, periodMs }
        }),
      )
      const ruled = (exhausted: number | undefined) =>
        verdictOn(exhausted === undefined ? undefined : rates[exhausted], options)
      return spent instanceof Promise ? spent.then(ruled) : ruled(spent)
    }
    return {
      connect({ session }, { options }) {
        if (options.connections === undefined && !options.table.present) return pass()
        const whom = session.remote.address
        return spend([{ what: 'connections', whom, rate: options.connections, else: [] }], options)
      },
      rcpt({ transaction: { session, reversePath }, recipient }, { options }) {
        const { login, sender } = options
        return spend(
          [
            ...(session.user === undefined ? ofClient(session, options) : []),
            ...(session.user === undefined
              ? []
              : [{ what: 'login', whom: accountKey(session.user), rate: login, else: [] }]),
            ...ofSender(reversePath, session, sender),
            ...ofAddress('recipient', recipient.mailbox, options.recipient),
          ],
          options,
        )
      },
    }
  },
})

interface Wanted {
  readonly what: string
  readonly whom: string
  /** Where one name stands for two: a count for each. */
  readonly as?: string
  readonly rate: Rate | undefined
  /** Keys of the table that hold where there is none of its own. */
  readonly else: readonly string[]
}

interface Refusing {
  readonly table: Table
  readonly refuse: 'defer' | 'reject'
  readonly text: string
}

function verdictOn(
  over: (Rate & Pick<Wanted, 'what' | 'whom'>) | undefined,
  { refuse, text }: Refusing,
): Pass | Defer | Reject {
  if (over === undefined) return pass()
  const { what, whom, limit, periodMs } = over
  const said = {
    reason: 'RATE_EXCEEDED',
    evidence: { what, whom, limit, periodSeconds: periodMs / 1000 },
  }
  return refuse === 'defer' ? defer('4.7.28', text, said) : reject('5.7.28', text, said)
}

interface OfClient {
  readonly client: Rate | undefined
  readonly network: Rate | undefined
  readonly table: Table
}

function ofClient(
  { remote: { address } }: Session,
  { client, network, table }: OfClient,
): readonly Wanted[] {
  const isAsked = network !== undefined || table.present
  const whole = isAsked ? clientNetwork(address, customerNetwork) : undefined
  return [
    { what: 'client', whom: address, rate: client, else: [] },
    ...(whole === undefined ? [] : [{ what: 'network', whom: whole, rate: network, else: [] }]),
  ]
}

/** What outsiders send in the name of one of ours does not count against those who have logged in. */
function ofSender(
  reversePath: ReversePath,
  { user }: Session,
  rate: Rate | undefined,
): readonly Wanted[] {
  const wanted = ofAddress('sender', reversePath, rate)
  return user === undefined ? wanted : wanted.map((each) => ({ ...each, as: ' with login' }))
}

function ofAddress(
  what: 'sender' | 'recipient',
  path: Mailbox | ReversePath,
  rate: Rate | undefined,
): readonly Wanted[] {
  if (path === null) return []
  return [{ what, whom: mailboxKey(path), rate, else: [`${what}:@${path.domain}`] }]
}

/** @throws Error where the table holds what is no rate: a fault, and `on_fault` says what becomes of it */
function rateOf(table: Table, keys: readonly string[], usual: Rate | undefined): Rate | undefined {
  for (const key of keys) {
    const text = table.get(key)
    if (typeof text !== 'string') continue
    const rate = parseRate(text)
    if (rate === 'mistake') throw new Error(`${key} ${text}: ${text} is no rate`)
    return rate
  }
  return usual
}

function shortened(whom: string): string {
  if (whom.length <= longestKey) return whom
  return createHash('sha256').update(whom).digest('base64url')
}
