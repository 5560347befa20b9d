/** What the files of the control folder are to Postern: which part reads each, or why none does. */
import type { controlFiles } from './control-files.ts'

export type ControlReader =
  /** A part of the gateway, or a command. */
  | { readonly part: string }
  /** Plugins: the file counts where the chain has an entry of one. */
  | { readonly plugin: string; readonly others?: readonly string[] }
  /** Nobody; and what to do instead. */
  | { readonly unread: string }

/** One for each of `controlFiles`. */
export const controlReaders = {
  'auth.cdb': { plugin: 'auth-cdb' },
  badhelo: { plugin: 'badhelo' },
  badmailfrom: { plugin: 'badmailfrom' },
  badmailfromnorelay: { plugin: 'badmailfrom' },
  badrcptto: { plugin: 'badrcptto' },
  badrcpttonorelay: { plugin: 'badrcptto' },
  blacklists: {
    unread: 'it is for the run script; write its lists into the entry dnsbl of postern.yaml',
  },
  bouncefrom: { part: 'bounces' },
  bouncehost: { part: 'bounces' },
  bouncemaxbytes: { part: 'bounces' },
  'clientca.pem': {
    unread: 'client_certificates of a listener in postern.yaml names the authorities',
  },
  'clientcert.pem': {
    unread: 'no server asks Postern for a certificate of its own; TLS is used without one',
  },
  'clientcrl.pem': { unread: 'revoked client certificates are not looked up' },
  concurrencyincoming: {
    unread: 'it is for the run script; write max_connections of a listener in postern.yaml',
  },
  concurrencylocal: { part: 'deliveries' },
  concurrencyremote: { part: 'deliveries' },
  databytes: { part: 'the receiver' },
  defaultdelivery: { part: 'local delivery' },
  defaultdomain: { part: 'postern inject' },
  defaulthost: { part: 'postern inject' },
  'dh1024.pem': { unread: 'Node chooses the parameters of TLS' },
  'dh2048.pem': { unread: 'Node chooses the parameters of TLS' },
  'dh512.pem': { unread: 'Node chooses the parameters of TLS' },
  domainbindings: {
    unread: 'control/outgoingip says from which addresses mail goes out, for all of it',
  },
  doublebouncehost: { part: 'bounces' },
  doublebounceto: { part: 'bounces' },
  envnoathost: { part: 'the router' },
  helohost: { part: 'outgoing mail' },
  idhost: { part: 'postern inject' },
  localiphost: { part: 'the receiver' },
  locals: { part: 'the router' },
  maxrcpt: { part: 'the receiver' },
  me: { part: 'everything' },
  mfcheck: { plugin: 'mfcheck' },
  morercpthosts: { part: 'postern newmrh and postern cdb' },
  'morercpthosts.cdb': { plugin: 'rcpthosts' },
  outgoingip: { part: 'outgoing mail' },
  percenthack: { part: 'the router, and the plugin percenthack' },
  plusdomain: { part: 'postern inject' },
  qmqpservers: { unread: 'mail is queued here, never handed on by QMQP' },
  qmtproutes: { part: 'the router' },
  'quarantine-events.txt': { plugin: 'attachments' },
  queuelifetime: { part: 'deliveries' },
  rcpthosts: { plugin: 'rcpthosts' },
  routebindings: {
    unread: 'control/outgoingip says from which addresses mail goes out, for all of it',
  },
  'rsa2048.pem': { unread: 'TLS has no use for temporary RSA keys any more' },
  'rsa512.pem': { unread: 'TLS has no use for temporary RSA keys any more' },
  'servercert.pem': { unread: 'certificate and key of a listener in postern.yaml name it' },
  simcontrol: { plugin: 'attachments', others: ['clamav', 'spamassassin', 'rspamd'] },
  'simcontrol.cdb': { unread: 'the text beside it is read, control/simcontrol' },
  smtpgreeting: { part: 'the receiver' },
  smtproutes: { part: 'the router' },
  spfbehavior: { plugin: 'spf' },
  spfexp: { plugin: 'spf' },
  spfguess: { plugin: 'spf' },
  spfrules: { plugin: 'spf' },
  'srs.secret': { part: 'sender rewriting' },
  srs_domain: { part: 'sender rewriting' },
  ssattach: { plugin: 'attachments' },
  taps: { plugin: 'taps' },
  timeoutconnect: { part: 'outgoing mail' },
  timeoutremote: { part: 'outgoing mail' },
  timeoutsmtpd: { part: 'the receiver' },
  tlsclientciphers: { unread: 'TLS 1.2 and later, with the ciphers that Node holds to be safe' },
  tlshosts: {
    unread:
      'delivery.tls in postern.yaml says by domain or host where a certificate must be verified',
  },
  tlsserverciphers: {
    unread: 'the ciphers that Mozilla calls intermediate; receiver.tls_ciphers for others',
  },
  'validrcptto.cdb': { plugin: 'validrcptto' },
  virtualdomains: { part: 'the router' },
} as const satisfies Readonly<Record<keyof typeof controlFiles, ControlReader>>
