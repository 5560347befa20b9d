import type { Configuration } from '../config/configuration.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { VouchingEntry } from './relay-proof.ts'

/**
 * RFC 5321 §4.5.1: people with a complaint, and our own double bounces, write to the postmaster of this host.
 * @param entries those that vouch for recipients
 */
export function postmasterDoubts(
  { control, listeners }: Configuration,
  entries: readonly VouchingEntry[],
): readonly Mistake[] {
  const { me, locals, virtualDomains, smtpRoutes } = control
  // A host that only people who log in send to has its postmaster elsewhere.
  if (me === '' || !listeners.some(({ role }) => role === 'mx')) return []
  const host = me.toLowerCase()
  const accepting = entries.filter(
    ({ vouching, mode }) => mode === 'enforce' && covers(vouching?.domains ?? [], host),
  )
  const arrives =
    locals.has(host) ||
    virtualDomains.find(`postmaster@${host}`) !== undefined ||
    smtpRoutes.find(host) !== undefined ||
    accepting.some(({ plugin }) => plugin === 'mailboxes')
  if (arrives && accepting.length > 0) return []
  const [what, where] = arrives
    ? ['no entry vouches for it', 'control/rcpthosts']
    : ['it is neither local nor routed', 'control/locals and control/rcpthosts']
  return [
    {
      file: 'control/me',
      problem: `mail for postmaster@${me} does not arrive: ${what}`,
      remedy: `add ${me} to ${where}`,
      code: 'no-postmaster',
    },
  ]
}

function covers(domains: readonly string[], host: string): boolean {
  return domains.some((domain) => {
    const written = domain.toLowerCase()
    return written.startsWith('.') ? host.endsWith(written) : host === written
  })
}
