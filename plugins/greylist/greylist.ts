/**
 * Greylisting: who is new is asked to come back a little later; real mail servers do. Known are pairs of client network
 * and addresses, or networks alone as jgreylist has it; a network that has come back often enough is known as a whole.
 * Nothing is refused for good, and what a client sends is never kept longer than the store's bounds allow.
 */
import {
  definePlugin,
  defer,
  formatMailbox,
  formatPath,
  mailboxKey,
  option,
  pass,
  reject,
  relayClient,
  type Findings,
  type Transaction,
} from 'postern/plugin'
import { dnsListed } from '../dnsbl/findings.ts'
import { trustedHop } from '../trusted-hops/findings.ts'
import { GreyBook } from './grey-book.ts'
import { networkKey, pairKey, type KeyMode } from './grey-key.ts'

/** What JGREYLIST says where no rule sets it. */
const askTheBook = 'ask'

export const greylist = definePlugin({
  name: 'greylist',
  summary:
    'Asks unknown clients to come back later, as jgreylist does, by network or by network and addresses.',
  defaults: { unless: { authenticated: true } },
  options: {
    key: option.choice(['addresses', 'network'], {
      default: 'addresses',
      description:
        'Who is known: network, sender and recipient together, or the network alone (jgreylist).',
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
      description: 'A network with so many that came back is known as a whole; 0: never.',
    }),
    without: option.table({
      default: 'tables/greylist-without',
      description: 'Recipients who do not want it: addresses, or @domain.',
    }),
    text: option.string({ default: 'Greylisted, please try again later', maxLength: 400 }),
    override: option.string({
      default: askTheBook,
      env: 'JGREYLIST',
      description:
        'Decides for a client: empty lets it pass, a text refuses it for good; % is its address.',
    }),
  },
  setup({ retry, lifetime }, { clock, store }) {
    const book = new GreyBook({ clock, store, retryMs: retry, lifetimeMs: lifetime })
    return {
      async rcpt({ transaction, recipient }, { options, findings, signal }) {
        const { address } = transaction.session.remote
        if (options.override !== askTheBook) return ruled(options.override, address)
        if (isKnownGood(findings)) return pass()
        const { localPart, domain } = recipient.mailbox
        const wanted =
          !(await options.without.has(formatMailbox(recipient.mailbox), signal)) &&
          !(await options.without.has(`@${domain}`, signal))
        if (!wanted)
          return pass({
            reason: 'NOT_GREYLISTED',
            evidence: { recipient: domain === '' ? localPart : domain },
          })
        const network = networkKey(address, options.by_address)
        const key = keyOf(options.key, network, {
          transaction,
          recipient: mailboxKey(recipient.mailbox),
        })
        const visit = await book.visit({
          key,
          network,
          holdMs: options.hold,
          allowAfter: options.key === 'network' ? 0 : options.allow_after,
          signal,
        })
        const evidence = { key, firstSeen: new Date(visit.firstAt).toISOString() }
        if (visit.visit === 'known') return pass({ reason: 'GREYLIST_KNOWN', evidence })
        const reason = visit.visit === 'first' ? 'GREYLIST_FIRST' : 'GREYLIST_TOO_SOON'
        return defer('4.7.1', options.text, { reason, evidence })
      },
    }
  },
})

/** Whoever may relay, is a relay of ours, or stands on a list of good clients, need not prove that it comes back. */
function isKnownGood(findings: Findings): boolean {
  return (
    findings.get(relayClient) !== undefined ||
    findings.get(trustedHop) !== undefined ||
    (findings.get(dnsListed)?.weight ?? 0) < 0
  )
}

function keyOf(
  mode: KeyMode,
  network: string,
  { transaction, recipient }: { readonly transaction: Transaction; readonly recipient: string },
): string {
  if (mode === 'network') return network
  return pairKey(network, formatPath(transaction.reversePath), recipient)
}

/** JGREYLIST's word: set to nothing lets the client pass, a text refuses it; in jgreylist the first `%` is its address. */
function ruled(value: string, address: string) {
  const evidence = { JGREYLIST: value.slice(0, 200) }
  if (value === '') return pass({ reason: 'JGREYLIST', evidence })
  return reject(
    '5.7.1',
    value.replace('%', () => address),
    { reason: 'JGREYLIST', evidence },
  )
}
