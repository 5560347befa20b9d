/**
 * Forward-confirmed reverse DNS: whether the client's address has a name that leads back to it. Reports what it found, and
 * refuses or scores clients without such a name where it is told to.
 */
import {
  addressNames,
  clientNetwork,
  defer,
  definePlugin,
  finding,
  option,
  pass,
  reject,
  type Dns,
} from 'postern/plugin'
import { probeDns } from '../shared/dns-probe/probe-dns.ts'
import { clientName, type ClientName } from './findings.ts'

export const fcrdns = definePlugin({
  name: 'fcrdns',
  summary: 'Looks up the client’s name and whether it leads back to its address (FCrDNS).',
  defaults: {
    refuseAt: 'rcpt',
    onFault: 'pass',
    timeoutMs: 10_000,
    unless: { authenticated: true },
  },
  provides: [clientName],
  options: {
    refuse: option.choice(['nobody', 'nameless', 'unconfirmed'], {
      default: 'nobody',
      description: 'Whom: clients without any name; or also those whose names do not lead back.',
    }),
    with: option.choice(['reject', 'defer'], {
      default: 'reject',
      description: 'For good, or for now.',
    }),
    score: option.number({
      default: 0,
      description: 'Added to the score of the message where no name is confirmed.',
    }),
  },
  setup: (_options, { dns }) => ({
    probe: (signal) => probeDns(dns, signal),
    async connect({ session }, { options, signal }) {
      const { address } = session.remote
      // A client by a UNIX socket, or of whom a proxy knows no address.
      if (clientNetwork(address) === undefined) return pass()
      const found = await look(dns, address, signal)
      const said = {
        reason: `NAME_${found.result.toUpperCase()}`,
        evidence: { name: found.name ?? '' },
        findings: [finding(clientName, found)],
      }
      if (found.result === 'confirmed') return pass(said)
      if (!isRefused(found.result, options.refuse)) {
        return pass({ ...said, ...(options.score === 0 ? {} : { score: options.score }) })
      }
      const text =
        found.result === 'none'
          ? `your address ${address} has no name in the DNS`
          : `the name of your address ${address} does not lead back to it`
      return options.with === 'defer' ? defer('4.7.25', text, said) : reject('5.7.25', text, said)
    },
  }),
})

async function look(dns: Dns, address: string, signal: AbortSignal): Promise<ClientName> {
  const { names, confirmed } = await addressNames(dns, address, signal)
  if (confirmed !== undefined) return { result: 'confirmed', name: confirmed }
  const [name] = names
  return name === undefined ? { result: 'none' } : { result: 'unconfirmed', name }
}

function isRefused(
  result: ClientName['result'],
  whom: 'nobody' | 'nameless' | 'unconfirmed',
): boolean {
  return whom === 'unconfirmed' || (whom === 'nameless' && result === 'none')
}
