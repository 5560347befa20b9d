/** The classes of warnings that `postern check` gives, with what each means. An operator may silence a class, with a reason. */
export const doubtClasses = {
  'open-relay': 'an entry may vouch for domains that are not ours, without a login or a relay rule',
  'fails-open': 'mail passes where an entry cannot do its work',
  'quarantine-without-retention': 'what is held is held for ever',
  'digest-links': 'links of digests that lead nowhere, or go where others read along',
  'public-resolver':
    'DNS lists do not answer, or answer wrongly, through name servers that everybody uses, nor may DANE believe them',
  'unreachable-entry': 'an entry of the chain that is never asked',
  'certificate-expires': 'a certificate that is not in force, or not for much longer',
  'relay-tls':
    'a policy of delivery.tls for a domain whose mail goes to a relay: the policy of the relay counts',
  'no-postmaster': 'mail for a postmaster would not arrive (RFC 5321 §4.5.1)',
  'unreadable-file': 'a file that the gateway may not read',
  'exposed-file': 'a file or program that root acts by, and that others may change',
  'stale-cdb': 'a cdb that says something else than its text, or was never made',
  'users-assign': 'users/assign has mistakes, so that nothing new in it counts',
  'alias-circle': 'aliases that lead back to themselves, or a line by which none of them counts',
  'no-rules': 'tcp.smtp is missing',
  'useless-rule':
    'a rule of tcp.smtp that matches nobody, or sets what nobody understands or no entry reads',
  'control-file': 'a control file that is hardly meant as it stands',
  chain: 'a chain that works, but hardly as it is meant',
  entry: 'what an entry says of its own surroundings',
} as const satisfies Readonly<Record<string, string>>

export type DoubtClass = keyof typeof doubtClasses

export function isDoubtClass(name: string): name is DoubtClass {
  return Object.hasOwn(doubtClasses, name)
}
