/**
 * MXPS (D. J. Bernstein, 1997): a mail exchanger whose preference is 12801, 12817 and so on up to 13041 takes mail by QMTP, and
 * by SMTP from those who know nothing of that. Where the best exchangers of a domain are such, QMTP is tried first, and SMTP
 * where none of them is there for it. QMTP has no TLS: whoever demands any, operator, domain or sender, gets SMTP.
 */
import { isPosternError } from '../../mail/errors.ts'
import type { QmtpRoute, SmtpRoute } from '../../mail/route.ts'
import { danePolicy } from '../dane.ts'
import type { Delivery, Transport } from '../transport.ts'
import { addressesOf } from './mail-exchangers.ts'
import { tryQmtp } from './qmtp.ts'
import { isOurselves, type OutgoingSettings, type ReachDoors } from './smtp-reach.ts'
import { outgoing, type SmtpOptions } from './smtp.ts'

export interface MxpsOptions extends SmtpOptions {
  /** Whether the operator wants it. */
  readonly wanted: () => boolean
  /** What carries everything else. */
  readonly smtp: Transport<SmtpRoute>
}

const qmtpPort = 209
/** However many a domain names; SMTP tries no more. */
const mostExchangers = 20

export function mxpsTransport(options: MxpsOptions): Transport<SmtpRoute> {
  const { smtp, wanted } = options
  return {
    async deliver(delivery, signal) {
      if (!wanted() || delivery.route.lookup !== 'mx') return smtp.deliver(delivery, signal)
      const route = await qmtpRouteOf(options, delivery, signal)
      const tried = route && (await tryQmtp(options, { ...delivery, route }, signal))
      if (tried !== undefined && 'results' in tried) return tried.results
      return smtp.deliver(delivery, signal)
    },
    close: () => smtp.close?.(),
  }
}

/** 12800 and every sixteenth behind it mean SMTP, the next one QMTP, and those between them nothing yet. */
export function isQmtpPreference(preference: number): boolean {
  return preference >= 12_801 && preference <= 13_041 && preference % 16 === 1
}

async function qmtpRouteOf(
  options: MxpsOptions,
  { route: { host: domain, key }, envelope }: Delivery<SmtpRoute>,
  signal: AbortSignal,
): Promise<QmtpRoute | undefined> {
  const settings = outgoing(options.settings())
  if (envelope.requireTls) return undefined
  const exchangers = await bestExchangers(options, domain, signal)
  const [host, ...rest] = exchangers
  if (host === undefined) return undefined
  if (await demandsTls(options, { domain, exchangers, settings, signal })) return undefined
  if (await areOurselves(options, { domain, exchangers, settings, signal })) return undefined
  const others = rest.map((each) => ({ host: each, port: qmtpPort }))
  return { transport: 'qmtp', key, host, others, port: qmtpPort }
}

/** Those of the best preference, if that means QMTP; in the order of the DNS, which is any. */
async function bestExchangers(
  { dns }: ReachDoors,
  domain: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    const answer = await dns.mx(domain, signal)
    if (answer.answer !== 'found') return []
    const best = Math.min(...answer.records.map(({ preference }) => preference))
    if (!isQmtpPreference(best)) return []
    const names = answer.records
      .filter(({ preference }) => preference === best)
      .map(({ exchange }) => exchange.toLowerCase().replace(/\.$/, ''))
      .filter((exchange) => exchange !== '')
    return [...new Set(names)].slice(0, mostExchangers)
  } catch (error) {
    // SMTP asks the same, and knows what to say of it.
    if (isPosternError(error)) return []
    throw error
  }
}

interface Question {
  readonly domain: string
  readonly exchangers: readonly string[]
  readonly settings: OutgoingSettings
  readonly signal: AbortSignal
}

async function demandsTls(
  { stsPolicies, secureDns }: ReachDoors,
  { domain, exchangers, settings: { tlsPolicy, defaultTls }, signal }: Question,
): Promise<boolean> {
  const told = exchangers.map((exchanger) => tlsPolicy(domain, exchanger) ?? defaultTls)
  if (told.some(({ level }) => level === 'encrypt' || level === 'verify')) return true
  if ((await stsPolicies?.find(domain, signal))?.mode === 'enforce') return true
  if (secureDns === undefined) return false
  const answers = await Promise.all(
    exchangers.map((host) => danePolicy(secureDns, { domain, host, port: 25 }, signal)),
  )
  return answers.some(({ policy, result }) => policy !== undefined || result !== undefined)
}

/** Then this host would speak to itself, and SMTP says what is wrong with that. */
async function areOurselves(
  { net, dns, random }: ReachDoors,
  { domain, exchangers, settings, signal }: Question,
): Promise<boolean> {
  const route = { lookup: 'mx', host: domain } as const
  const lookUp = { dns, random, signal, families: settings.families }
  const found = await Promise.all(exchangers.map((name) => addressesOf(name, route, lookUp)))
  const addresses = found.flatMap((each) => each.found ?? [])
  return isOurselves({ names: exchangers, addresses }, { net, settings })
}
