/** Options of spamdyke that become no entry: what is to be said of each. */

export interface SpamdykeRemark {
  readonly outcome: 'difference' | 'unsupported'
  readonly remark: string
  readonly to?: string
}

const lost = (remark: string): SpamdykeRemark => ({ outcome: 'unsupported', remark })
const here = (to: string, remark: string): SpamdykeRemark => ({ outcome: 'difference', to, remark })

const namesWithAddresses = lost(
  'no entry judges names that hold the address; fcrdns asks whether a name is true, dnsbl has lists of dialup networks',
)
const ofTheHost = here('control/me', 'the name of this host is that of control/me')
const resolver = here(
  'dns',
  'the name servers are those of /etc/resolv.conf; others: dns: { servers: [...] }',
)
const passphrase = lost('a key with a passphrase cannot be read; write it without one')
const same = (remark: string): SpamdykeRemark => ({ outcome: 'difference', remark })

/** By the name of the option, or its beginning. The first that fits counts. */
const remarks: readonly (readonly [name: string, SpamdykeRemark])[] = [
  [
    'config-dir',
    lost(
      'settings for single clients, senders or domains: write conditions (when, unless), rules of tcp.smtp, or thresholds of a domain',
    ),
  ],
  ['config-file', same('its lines are told one by one')],
  ['config-test', lost('postern check judges a configuration')],
  [
    'connection-timeout-secs',
    lost('a session may last as long as it says something; the receiver ends those that trickle'),
  ],
  ['dns-', resolver],
  ['full-log-dir', here('record', 'record: true on the listener keeps dialogues, without secrets')],
  ['graylist-dir', here('store', 'who is known is kept in the store; everybody starts anew')],
  [
    'graylist-exception-rdns',
    lost('allow the name for all that judges a reputation: postern list add allow name NAME'),
  ],
  [
    'header-blacklist',
    lost('no entry looks for texts in the header; a rule of SpamAssassin or rspamd does'),
  ],
  ['hostname', ofTheHost],
  ['ip-in-rdns-keyword', namesWithAddresses],
  [
    'log-',
    here(
      'log',
      'the log has one event for each thing that happens; postern why explains a refusal',
    ),
  ],
  [
    'policy-url',
    lost('replies have texts of their own; entries with an option text may name a page'),
  ],
  ['qmail-', here('control', 'control files are read where they lie')],
  ['rdns-blacklist-dir', lost('list the names in one file: rdns-blacklist-file is taken over')],
  ['rdns-whitelist-dir', lost('list the names in one file: rdns-whitelist-file is taken over')],
  [
    'recipient-validation',
    here('call-forward', 'recipients are verified by validrcptto, mailboxes or call-forward'),
  ],
  [
    'reject-identical-sender-recipient',
    lost('no entry compares them; spf and dmarc refuse who forges an address of ours'),
  ],
  ['reject-ip-in-cc-rdns', namesWithAddresses],
  ['rejection-text-', lost('entries with an option text say it; the others say what they found')],
  [
    'rhs-whitelist',
    lost(
      'no list of domains lets senders in; postern list add allow sender @DOMAIN does, where SPF or DKIM proves them',
    ),
  ],
  [
    'run-as-user',
    here('user', 'started by root, the gateway works under the account user, or postern'),
  ],
  [
    'tls-cipher-list',
    here(
      'receiver.tls_ciphers',
      'the usual ciphers are safe ones; write receiver: { tls_ciphers: … } for others',
    ),
  ],
  ['tls-dhparams-file', same('the key exchange uses elliptic curves; no file is needed')],
  ['tls-privatekey-password', passphrase],
  ['help', lost('does nothing')],
  ['more-help', lost('does nothing')],
  ['version', lost('does nothing')],
]

export function spamdykeRemark(option: string): SpamdykeRemark {
  const found = remarks.find(([name]) => option.startsWith(name))?.[1]
  return found ?? lost('no option of spamdyke that is known')
}
