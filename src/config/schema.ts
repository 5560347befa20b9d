/**
 * What may stand in the sections of postern.yaml whose options are all plain ones, in the same terms as the options of
 * plugins; the shape of a section that is more than that stands in the file that reads it. Paths are relative to the
 * configuration folder.
 */
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'

/** Where a section is left out, its defaults hold. */
export const sectionShapes = {
  delivery: {
    maildirs: option.string({
      default: '../var/mail',
      description: 'Mailboxes of the domains in control/locals: <maildirs>/<domain>/<local-part>/',
    }),
    local: option.choice(['maildirs', 'users'], {
      default: 'maildirs',
      description:
        'Who receives mail for this host. maildirs: every address of control/locals, below `maildirs`. users: as qmail, ' +
        'the users of users/cdb or users/assign, of this host, and alias, by their .qmail files; control/virtualdomains too',
    }),
    alias: option.string({
      default: 'alias',
      description: 'The home of the user alias, where there is no account of that name',
    }),
    local_timeout: option.duration({
      default: '1h',
      description: 'How long one delivery to a user may take, with all of its programs',
    }),
    local_memory: option.size({
      default: '2GB',
      description:
        'How much memory of its own each process of a program in a .qmail file may hold; 0: no limit. Our own need 1GB',
    }),
    local_processes: option.integer({
      default: 4000,
      min: 0,
      description:
        'How many processes and threads a user of this host may have, those of an IMAP server included, before a program in his .qmail file starts no further one; 0: what the system allows',
    }),
    srs: option.boolean({
      default: true,
      description:
        'What is forwarded for strangers has a reverse-path of ours (SRS), by a key in control/srs.secret; the plugin srs takes its bounces',
    }),
    paused: option.boolean({ default: false, description: 'Take mail, deliver none' }),
    tls_ca: optional(
      option.string({ description: 'PEM file: authorities to trust besides those of the system' }),
    ),
    mta_sts: option.boolean({
      default: true,
      description: 'Obey the MTA-STS policies of other domains, fetched by HTTPS (RFC 8461)',
    }),
    dane: option.boolean({
      default: false,
      description:
        'Obey TLSA records (RFC 7672); only where the name servers validate DNSSEC and nobody can come between',
    }),
    tls_reports: option.boolean({
      default: false,
      description:
        'Mail domains that ask for it by _smtp._tls what came of TLS with them, each day (RFC 8460); from control/doublebounceto',
    }),
    mxps: option.boolean({
      default: false,
      description:
        'Use QMTP, which has no TLS, where the preference of the best mail exchanger says so (12801, 12817 … 13041) and nobody demands TLS',
    }),
    address_family: option.choice(['ipv4-first', 'ipv6-first', 'ipv4', 'ipv6'], {
      default: 'ipv4-first',
      description: 'Which addresses of a next hop are tried, and in which order',
    }),
    recipients_per_transaction: option.integer({
      default: 100,
      min: 1,
      max: 100,
      description: '1: each recipient gets a copy of their own, as with qmail',
    }),
    keep_connection: option.duration({
      default: '2s',
      description:
        'How long a connection waits for the next message to the same hop; 0s: not at all',
    }),
    messages_per_connection: option.integer({ default: 100, min: 1 }),
    delay_notice_after: option.duration({
      default: '4h',
      description: 'Age at which a sender who asked for it (NOTIFY=DELAY) is told of a delay',
    }),
    bounce_format: option.choice(['both', 'qsbmf', 'rfc3464'], {
      default: 'both',
      description:
        'What the notice of a failure looks like: RFC 3464 that programs written for qmail read too, or one of them alone',
    }),
    bounce_unauthenticated: optional(
      option.choice(['send', 'hold'], {
        description:
          'Failures of messages that nobody logged in for: tell the reverse-path, or hold the bounce for an operator. ' +
          'Left out: hold where the domain is in control/rcpthosts, not local, and not in validated_domains',
      }),
    ),
    eight_bit: option.choice(['bounce', 'send'], {
      default: 'bounce',
      description:
        '8-bit text for a next hop without 8BITMIME: tell the sender, or send it as it is, as qmail did. It is never recoded: that breaks signatures',
    }),
    xforward: option.strings({
      default: [],
      description:
        'Next hops that are told of the client that sent a message (XFORWARD), if they offer it: ' +
        'the host, the domain or the socket of their route',
    }),
    validated_domains: option.strings({
      default: [],
      description: 'Relayed domains whose recipients are known before their mail is accepted',
    }),
  },
  spool: {
    path: option.string({ default: '../var/spool' }),
    segment_size: option.size({ default: '64MB', description: 'Size of a segment file' }),
  },
  accounts: {
    path: option.string({
      default: '../var/accounts.db',
      description: 'Who may log in: postern user, and the plugin accounts',
    }),
  },
  store: {
    path: option.string({
      default: '../var/store.db',
      description: 'What plugins remember',
    }),
  },
  traces: {
    header: option.size({
      default: '8KB',
      description: 'So much of each header is kept, for postern replay; 0: none',
    }),
    answers: option.boolean({
      default: true,
      description:
        'What entries were answered by the DNS and the store is kept, for postern replay; it costs some CPU time for each message',
    }),
    path: optional(
      option.string({
        description:
          'What happened to mail, for postern why and postern log. Left out: traces.db, beside the store',
      }),
    ),
    keep: option.integer({ default: 250_000, min: 100, description: 'Transactions' }),
    max_age: option.duration({ default: '30d', description: 'What is older is forgotten' }),
    max_size: option.size({
      default: '1GB',
      description: 'Of the file; beyond it the oldest are forgotten',
    }),
  },
  policy_tests: {
    folder: option.string({ default: 'tests', description: 'Its *.yaml files are tests' }),
    on_reload: option.choice(['refuse', 'warn', 'off'], {
      default: 'off',
      description:
        'Before a configuration is put in force: a test that fails keeps the one before, or is only reported',
    }),
  },
  tls: {
    path: option.string({
      default: '../var/tls',
      description: 'Where the self-signed certificate lies that listeners without another show',
    }),
  },
  control: {
    path: option.string({
      default: '../var/control',
      description: 'The folder of the socket by which commands reach the running gateway',
    }),
    group: optional(
      option.string({
        description:
          'May use it too, beside the user of the gateway; it must be able to enter the folders above',
        maxLength: 64,
      }),
    ),
  },
  dns: {
    servers: option.strings({
      default: [],
      description: 'Name servers; empty: those of the system',
    }),
    timeout: option.duration({
      default: '5s',
      description: 'For one question; each server is asked at least twice within it.',
    }),
    client_names: option.choice(['confirmed', 'any', 'off'], {
      default: 'confirmed',
      description:
        'Names of clients for =host rules of tcp.smtp: those that lead back to the address, as tcpserver -p; any, even one made up by the owner of the address; none',
    }),
    client_name_timeout: option.duration({
      default: '5s',
      description: 'Who has not been found by then has no name',
    }),
  },
} as const
