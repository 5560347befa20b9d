/**
 * Every file of qmail's control folder: qmail-control(5), the JMS combined patch 7.10, Life with qmail, QmailToaster, simscan. Data for
 * `postern showctl` and for the defaults; what a file does in Postern stands with the part that reads it.
 */

/** `table`: lines `key:value`. `file`: PEM or cdb bytes. `folder`: files by name. */
export type ControlKind = 'line' | 'integer' | 'list' | 'table' | 'file' | 'folder'

export interface ControlFile {
  readonly kind: ControlKind
  /** What counts where there is no file; none where that is nothing at all. */
  readonly default?: string | number
  /** Where there is no file, the contents of `me` count. */
  readonly defaultsToMe?: true
  /** The qmail program that reads it. */
  readonly reader: string
  readonly meaning: string
}

/** By name. */
export const controlFiles = {
  'auth.cdb': { kind: 'file', reader: 'qmail-smtpd', meaning: 'logins and their password hashes' },
  badhelo: { kind: 'list', reader: 'qmail-smtpd', meaning: 'HELO names that are refused' },
  badmailfrom: { kind: 'list', reader: 'qmail-smtpd', meaning: 'reverse-paths that are refused' },
  badmailfromnorelay: {
    kind: 'list',
    reader: 'qmail-smtpd',
    meaning: 'reverse-paths refused, but not from relay clients',
  },
  badrcptto: { kind: 'list', reader: 'qmail-smtpd', meaning: 'recipients that are refused' },
  badrcpttonorelay: {
    kind: 'list',
    reader: 'qmail-smtpd',
    meaning: 'recipients refused, but not from relay clients',
  },
  blacklists: {
    kind: 'line',
    reader: 'the run script of QmailToaster',
    meaning: 'arguments of rblsmtpd: DNS lists of clients to refuse',
  },
  bouncefrom: {
    kind: 'line',
    default: 'MAILER-DAEMON',
    reader: 'qmail-send',
    meaning: 'local-part of the address that bounces come from',
  },
  bouncehost: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-send',
    meaning: 'domain of the address that bounces come from',
  },
  bouncemaxbytes: {
    kind: 'integer',
    default: 0,
    reader: 'qmail-send',
    meaning: 'bytes of the original message in a bounce; 0: all',
  },
  'clientca.pem': {
    kind: 'file',
    reader: 'qmail-smtpd',
    meaning: 'authorities whose client certificates may relay',
  },
  'clientcert.pem': {
    kind: 'file',
    reader: 'qmail-remote',
    meaning: 'certificate and key shown to servers',
  },
  'clientcrl.pem': { kind: 'file', reader: 'qmail-smtpd', meaning: 'revoked client certificates' },
  concurrencyincoming: {
    kind: 'integer',
    default: 20,
    reader: 'qmail-smtpd/run',
    meaning: 'connections at a time',
  },
  concurrencylocal: {
    kind: 'integer',
    default: 10,
    reader: 'qmail-send',
    meaning: 'local deliveries at a time',
  },
  concurrencyremote: {
    kind: 'integer',
    default: 20,
    reader: 'qmail-send',
    meaning: 'remote deliveries at a time',
  },
  databytes: {
    kind: 'integer',
    default: 0,
    reader: 'qmail-smtpd',
    meaning: 'bytes that a message may have; 0: no limit',
  },
  defaultdelivery: {
    kind: 'line',
    reader: 'qmail-start',
    meaning: 'delivery for users without a .qmail file',
  },
  defaultdomain: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-inject',
    meaning: 'appended to a host name without dots',
  },
  defaulthost: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-inject',
    meaning: 'appended to an address without a host name',
  },
  'dh1024.pem': { kind: 'file', reader: 'qmail-smtpd', meaning: 'Diffie-Hellman parameters' },
  'dh2048.pem': { kind: 'file', reader: 'qmail-smtpd', meaning: 'Diffie-Hellman parameters' },
  'dh512.pem': { kind: 'file', reader: 'qmail-smtpd', meaning: 'Diffie-Hellman parameters' },
  domainbindings: {
    kind: 'table',
    reader: 'qmail-remote',
    meaning: 'local IP address to send from, by reverse-path domain',
  },
  doublebouncehost: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-send',
    meaning: 'domain of the address that double bounces go to',
  },
  doublebounceto: {
    kind: 'line',
    default: 'postmaster',
    reader: 'qmail-send',
    meaning: 'local-part of the address that double bounces go to',
  },
  envnoathost: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-send',
    meaning: 'appended to a recipient without a domain',
  },
  helohost: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-remote',
    meaning: 'our name in HELO and EHLO',
  },
  idhost: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-inject',
    meaning: 'host name in message identifiers',
  },
  localiphost: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-smtpd',
    meaning: 'replaces our own IP address in a recipient',
  },
  locals: {
    kind: 'list',
    defaultsToMe: true,
    reader: 'qmail-send',
    meaning: 'domains that are delivered here',
  },
  maxrcpt: {
    kind: 'integer',
    default: 0,
    reader: 'qmail-smtpd',
    meaning: 'recipients that a message may have; 0: no limit',
  },
  me: { kind: 'line', reader: 'all', meaning: 'the name of this host; it must be there' },
  mfcheck: {
    kind: 'integer',
    default: 0,
    reader: 'qmail-smtpd',
    meaning: 'whether the reverse-path domain must exist, 0 to 3',
  },
  morercpthosts: {
    kind: 'list',
    reader: 'qmail-newmrh',
    meaning: 'the text that morercpthosts.cdb is made from',
  },
  'morercpthosts.cdb': {
    kind: 'file',
    reader: 'qmail-smtpd',
    meaning: 'more domains to accept mail for',
  },
  outgoingip: {
    kind: 'list',
    reader: 'qmail-remote',
    meaning: 'local IP addresses to send from, one of each family',
  },
  percenthack: {
    kind: 'list',
    reader: 'qmail-send',
    meaning: 'domains where user%host@domain means user@host',
  },
  plusdomain: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-inject',
    meaning: 'appended to a host name that ends in a plus sign',
  },
  qmqpservers: { kind: 'list', reader: 'qmail-qmqpc', meaning: 'IP addresses of QMQP servers' },
  qmtproutes: {
    kind: 'table',
    reader: 'qmail-remote, patched for QMTP',
    meaning: 'QMTP servers that come before smtproutes and MX, by recipient domain',
  },
  'quarantine-events.txt': {
    kind: 'list',
    reader: 'qmail-scanner',
    meaning: 'attachments and headers that are held',
  },
  queuelifetime: {
    kind: 'integer',
    default: 604800,
    reader: 'qmail-send',
    meaning: 'seconds that a message may stay in the queue',
  },
  rcpthosts: { kind: 'list', reader: 'qmail-smtpd', meaning: 'domains to accept mail for' },
  routebindings: {
    kind: 'table',
    reader: 'qmail-remote',
    meaning: 'local IP address to send from, by remote address',
  },
  'rsa2048.pem': { kind: 'file', reader: 'qmail-smtpd', meaning: 'temporary RSA key' },
  'rsa512.pem': { kind: 'file', reader: 'qmail-smtpd', meaning: 'temporary RSA key' },
  'servercert.pem': {
    kind: 'file',
    reader: 'qmail-smtpd',
    meaning: 'certificate and key shown to clients',
  },
  simcontrol: {
    kind: 'table',
    reader: 'simscanmk',
    meaning: 'the text that simcontrol.cdb is made from',
  },
  'simcontrol.cdb': {
    kind: 'file',
    reader: 'simscan',
    meaning: 'what to scan for, by address and domain',
  },
  smtpgreeting: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-smtpd',
    meaning: 'the text of the greeting',
  },
  smtproutes: {
    kind: 'table',
    reader: 'qmail-remote',
    meaning: 'relays that replace the MX, by recipient domain',
  },
  spfbehavior: {
    kind: 'integer',
    default: 0,
    reader: 'qmail-smtpd',
    meaning: 'what SPF results do, 0 to 6',
  },
  spfexp: {
    kind: 'line',
    default: 'See http://spf.pobox.com/why.html?sender=%{S}&ip=%{I}&receiver=%{xR}',
    reader: 'qmail-smtpd',
    meaning: 'explanation in refusals by SPF',
  },
  spfguess: {
    kind: 'line',
    reader: 'qmail-smtpd',
    meaning: 'SPF rules for domains that publish none',
  },
  spfrules: {
    kind: 'line',
    reader: 'qmail-smtpd',
    meaning: 'SPF rules of our own, tried before a final all',
  },
  'srs.secret': {
    kind: 'list',
    reader: 'postern',
    meaning: 'keys of rewritten reverse-paths (SRS), the one in use first',
  },
  srs_domain: {
    kind: 'line',
    defaultsToMe: true,
    reader: 'qmail-local',
    meaning: 'domain of reverse-paths that are rewritten (SRS)',
  },
  ssattach: {
    kind: 'list',
    reader: 'simscan',
    meaning: 'endings of attachment names that are refused',
  },
  taps: {
    kind: 'list',
    reader: 'qmail-queue',
    meaning: 'addresses that get a copy of matching messages',
  },
  timeoutconnect: {
    kind: 'integer',
    default: 60,
    reader: 'qmail-remote',
    meaning: 'seconds to wait for a connection',
  },
  timeoutremote: {
    kind: 'integer',
    default: 1200,
    reader: 'qmail-remote',
    meaning: 'seconds to wait for each answer of a server',
  },
  timeoutsmtpd: {
    kind: 'integer',
    default: 1200,
    reader: 'qmail-smtpd',
    meaning: 'seconds to wait for each piece from a client',
  },
  tlsclientciphers: {
    kind: 'line',
    default: 'DEFAULT',
    reader: 'qmail-remote',
    meaning: 'ciphers offered to servers',
  },
  tlshosts: {
    kind: 'folder',
    reader: 'qmail-remote',
    meaning: 'servers that must show a verified certificate',
  },
  tlsserverciphers: {
    kind: 'line',
    default: 'DEFAULT',
    reader: 'qmail-smtpd',
    meaning: 'ciphers offered to clients',
  },
  'validrcptto.cdb': { kind: 'file', reader: 'qmail-smtpd', meaning: 'recipients that exist' },
  virtualdomains: {
    kind: 'table',
    reader: 'qmail-send',
    meaning: 'domains and addresses that a local user controls',
  },
} as const satisfies Record<string, ControlFile>
