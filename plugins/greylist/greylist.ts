/**
 * Greylisting: who is new is asked to come back a little later; real mail servers do. Known are pairs of client and
 * addresses, or networks alone as jgreylist has it; a client that has come back often enough, or has sent good mail, is
 * known as a whole. A client is a network, or the domain that SPF vouches for. What a client sends is never kept longer than
 * the store's bounds allow.
 */
import {
  after,
  definePlugin,
  defer,
  formatMailbox,
  formatPath,
  mailboxKey,
  isPosternError,
  option,
  outcomeCounter,
  pass,
  reject,
  relayClient,
  type Defer,
  type Dns,
  type Findings,
  type ReadByAll,
  type MaybePromise,
  type Pass,
  type Recipient,
  type Reject,
  type Session,
  type Table,
  type Transaction,
} from 'postern/plugin'
import { dnsListed } from '../dnsbl/findings.ts'
import { spfResult } from '../spf/findings.ts'
import { GreyBook, type Visit } from './grey-book.ts'
import { domainKey, domainPairKey, networkKey, pairKey, type KeyMode } from './grey-key.ts'
import { trustedHop } from '../trusted-hops/findings.ts'

/** What JGREYLIST says where no rule sets it. */
const askTheBook = 'ask'

export const greylist = definePlugin({
  name: 'greylist',
  summary:
    'Asks unknown clients to come back later, as jgreylist does, by network, addresses or SPF domain.',
  defaults: { unless: [{ authenticated: true }, { allowed: true }] },
  wants: [spfResult, dnsListed, trustedHop],
  options: {
    key: option.choice(['sender', 'addresses', 'network'], {
      default: 'sender',
      description:
        'Who is known: the domain that SPF vouches for with the recipient, else as addresses: network, sender and recipient; network: as jgreylist.',
    }),
    by_address: option.boolean({
      default: false,
      env: 'JGREYLIST_BY_IP',
      description: 'The single address in place of its /24 or /64.',
    }),
    hold: option.duration({
      default: '2m',
      env: 'JGREYLIST_HOLDTIME',
      description: 'Who comes back sooner is told to wait.',
    }),
    retry: option.duration({
      default: '24h',
      description: 'Who does not come back within it is unknown again.',
    }),
    lifetime: option.duration({
      default: '36d',
      description: 'So long after its last visit somebody stays known.',
    }),
    allow_after: option.integer({
      default: 5,
      min: 0,
      description: 'A client of which so many came back is known as a whole; 0: never.',
    }),
    good_mail: option.integer({
      default: 3,
      min: 0,
      description: 'So is one that sent so many messages that nobody objected to; 0: never.',
    }),
    without: option.table({
      default: 'tables/greylist-without',
      description: 'Recipients who do not want it: addresses, or @domain.',
    }),
    text: option.string({ default: 'Greylisted, please try again later', maxLength: 400 }),
    no_reverse: option.string({
      default: '',
      maxLength: 400,
      env: 'JGREYLIST_NOREV',
      description:
        'Said to clients without a name by DNS, who are refused for it; empty: they are not.',
    }),
    limit: option.integer({
      default: 0,
      min: 0,
      env: 'JGREYLIST_LIMIT',
      description: 'So many recipients that are told to wait end the session; 0: never.',
    }),
    override: option.string({
      default: askTheBook,
      env: 'JGREYLIST',
      description:
        'Decides for a client: empty lets it pass, a text refuses it for good; % is its address.',
    }),
  },
  setup({ retry, lifetime, good_mail: goodMail }, { clock, store, dns, log, metrics }) {
    const visits = { name: 'visits_total', help: 'Visits by what was known', label: 'visit' }
    const count = outcomeCounter(metrics, visits, ['first', 'too soon', 'known', 'good'])
    const book = new GreyBook({ clock, store, retryMs: retry, lifetimeMs: lifetime })
    /** Whose mail it is if it is good, by the last recipient that was asked about. */
    const clients = new WeakMap<Session, string>()
    const told = new WeakMap<Session, number>()
    const seen = (visit: Visit, { session, key, options }: Seen): Pass | Defer => {
      count(visit.visit)
      const waits = visit.visit === 'first' || visit.visit === 'too soon'
      const waited = (told.get(session) ?? 0) + 1
      if (waits) told.set(session, waited)
      return verdictOn(visit, key, { text: options.text, isLast: waited === options.limit })
    }
    return {
      rcpt(event, { options, findings, signal }) {
        const { session } = event.transaction
        const { address } = session.remote
        const { override, no_reverse: noReverse } = options
        if (override !== askTheBook) return ruled(override, { address, reason: 'JGREYLIST' })
        const { client, key } = nameOf(options, { ...event, findings })
        const judged = (): MaybePromise<Pass | Defer> => {
          if (goodMail > 0) clients.set(session, client)
          if (isKnownGood(findings)) return pass()
          return after(doesWithout(options.without, event.recipient, signal), (without) => {
            if (without) return notGreylisted(event.recipient)
            const allowAfter = options.key === 'network' ? 0 : options.allow_after
            const { hold: holdMs, good_mail: goodEnough } = options
            const visitor = { key, client, holdMs, allowAfter, goodMail: goodEnough, signal }
            return after(book.visit(visitor), (visit) => seen(visit, { session, key, options }))
          })
        }
        if (noReverse === '') return judged()
        return isNameless(dns, session, signal).then((nameless) =>
          nameless ? ruled(noReverse, { address, reason: 'JGREYLIST_NOREV' }) : judged(),
        )
      },
      taken({ transaction: { session }, welcome }) {
        const client = clients.get(session)
        if (!welcome || client === undefined || session.user !== undefined) return
        book.welcome(client, goodMail).catch((error: unknown) => {
          log.warn('greylist.not-remembered', { client, error: String(error) })
        })
      },
    }
  },
})

interface Seen {
  readonly session: Session
  readonly key: string
  readonly options: { readonly text: string; readonly limit: number }
}

/** Whoever may relay, is a relay of ours, or stands on a list of good clients, need not prove that it comes back. */
function isKnownGood(findings: Findings<ReadByAll | 'trusted-hop' | 'dns-listed'>): boolean {
  return (
    findings.get(relayClient) !== undefined ||
    findings.get(trustedHop) !== undefined ||
    (findings.get(dnsListed)?.weight ?? 0) < 0
  )
}

interface About {
  readonly transaction: Transaction
  readonly recipient: Recipient
  readonly findings: Findings<'spf'>
}

interface Naming {
  readonly key: KeyMode
  readonly by_address: boolean
}

/** What a client is called, and what it is known by for this recipient. */
function nameOf(
  { key: mode, by_address: byAddress }: Naming,
  { transaction: { session, reversePath }, recipient, findings }: About,
): { readonly client: string; readonly key: string } {
  const whom = mailboxKey(recipient.mailbox)
  const spf = findings.get(spfResult)
  if (mode === 'sender' && spf?.result === 'pass' && spf.identity === 'mailfrom') {
    const client = domainKey(spf.domain)
    return { client, key: domainPairKey(client, whom) }
  }
  const network = networkKey(session.remote.address, byAddress)
  if (mode === 'network') return { client: network, key: network }
  return { client: network, key: pairKey(network, formatPath(reversePath), whom) }
}

function doesWithout(
  without: Table,
  { mailbox }: Recipient,
  signal: AbortSignal,
): MaybePromise<boolean> {
  if (!without.present) return false
  return after(
    without.has(formatMailbox(mailbox), signal),
    (itself) => itself || without.has(`@${mailbox.domain}`, signal),
  )
}

function notGreylisted({ mailbox }: Recipient): Pass {
  return pass({ reason: 'NOT_GREYLISTED', evidence: { recipient: mailboxKey(mailbox) } })
}

/** A name server that fails says nothing about a client. */
async function isNameless(
  dns: Dns,
  { remote, remoteName }: Session,
  signal: AbortSignal,
): Promise<boolean> {
  if (remoteName !== undefined) return false
  try {
    return (await dns.reverse(remote.address, signal)).answer !== 'found'
  } catch (error) {
    if (isPosternError(error, 'DNS_FAILED')) return false
    throw error
  }
}

function verdictOn(
  { visit, firstAt }: Visit,
  key: string,
  { text, isLast }: { readonly text: string; readonly isLast: boolean },
): Pass | Defer {
  const evidence = { key, firstSeen: new Date(firstAt).toISOString() }
  if (visit === 'good') return pass({ reason: 'GREYLIST_GOOD', evidence })
  if (visit === 'known') return pass({ reason: 'GREYLIST_KNOWN', evidence })
  const reason = visit === 'first' ? 'GREYLIST_FIRST' : 'GREYLIST_TOO_SOON'
  if (!isLast) return defer('4.7.1', text, { reason, evidence })
  const goodbye = 'Too many RCPT commands, goodbye.'
  return defer('4.7.1', goodbye, { reason, evidence, close: true, at: 'now' })
}

/** A variable's word: set to nothing lets the client pass, a text refuses it; the first `%` is its address, as in jgreylist. */
function ruled(
  value: string,
  { address, reason }: { readonly address: string; readonly reason: string },
): Pass | Reject {
  const evidence = { text: value.slice(0, 200) }
  if (value === '') return pass({ reason, evidence })
  return reject(
    '5.7.1',
    value.replace('%', () => address),
    { reason, evidence },
  )
}
