import type { Mailbox } from 'postern/plugin'

/** More hyphens than an address can be meant to have are not probed: each costs a look-up. */
const mostBreaks = 30

/**
 * The keys under which validrcptto.cdb may know a recipient, in the order in which they are tried: the address in lower
 * case, `<left part>-default@domain` for each hyphen from the right, `@domain`. Without a domain, the address alone.
 */
export function probesFor({ localPart, domain }: Mailbox): readonly string[] {
  const local = localPart.toLowerCase()
  if (domain === '') return [local]
  const at = `@${domain.toLowerCase()}`
  const probes = [`${local}${at}`]
  for (
    let hyphen = local.lastIndexOf('-');
    hyphen >= 0 && probes.length <= mostBreaks;
    hyphen = hyphen === 0 ? -1 : local.lastIndexOf('-', hyphen - 1)
  ) {
    probes.push(`${local.slice(0, hyphen)}-default${at}`)
  }
  return [...probes, at]
}
