/**
 * What may stand in postern.yaml: one shape for each section, in the same terms as the options of plugins.
 * Paths are relative to the configuration folder.
 */
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import { listenerTlsShape } from './tls-section.ts'

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
    timeout: option.duration({ default: '5s' }),
    client_names: option.choice(['confirmed', 'any', 'off'], {
      default: 'confirmed',
      description:
        'Names of clients for =host rules of tcp.smtp: those that lead back to the address, as tcpserver -p; any; none',
    }),
    client_name_timeout: option.duration({
      default: '5s',
      description: 'Who has not been found by then has no name',
    }),
  },
} as const

/** One place of the log; of the section `log`, and of each item of its `also`. */
export const logShape = {
  level: option.choice(['debug', 'info', 'warn', 'error'], {
    default: 'info',
    description: 'For json: what is less is not written',
  }),
  format: option.choice(['json', 'qmail', 'qmail-send', 'qmail-smtpd'], {
    default: 'json',
    description:
      "One JSON object for each event, or lines as qmail-send's, as those of qmail-smtpd, tcpserver and rblsmtpd, or both",
  }),
  to: option.string({
    default: 'stderr',
    description: '`stderr`, `stdout`, a file, or with files or file_bytes a folder',
  }),
  files: optional(
    option.integer({ min: 2, max: 10_000, description: 'Old files that are kept, as multilog nN' }),
  ),
  file_bytes: optional(
    option.size({
      description: 'When the next file is begun, as multilog sN; 16MB where left out',
    }),
  ),
  stamps: option.boolean({
    default: true,
    description: "TAI64N labels before qmail's lines; not where multilog t adds them",
  }),
} as const

/** What one next hop may have at most. */
export const destinationShape = {
  concurrency: optional(option.integer({ min: 1, description: 'Deliveries at a time' })),
  rate: optional(
    option.string({ maxLength: 32, description: 'Deliveries begun, such as 100/min or 5/s' }),
  ),
} as const

/** A host that is not always there. */
export const dialInShape = {
  maildir: option.string({ description: 'Where its mail waits, by a line in a .qmail file' }),
  prefix: option.string({
    default: '',
    description: 'What stands before the recipient in Delivered-To, such as alias-turn-',
  }),
  host: optional(
    option.string({
      description: 'Where it takes mail, host or host:port; ETRN has it sent there',
    }),
  ),
  clients: option.networks({
    default: [],
    description:
      'When a session of theirs ends, it is sent: to the host, or without one to the client itself (AutoTURN)',
  }),
} as const

export const listenerShape = {
  name: option.string({ maxLength: 64 }),
  role: option.choice(['mx', 'submission', 'smtps', 'lmtp', 'qmtp', 'qmqp', 'pop3', 'pop3s'], {
    default: 'mx',
    description:
      'submission and smtps: for people who log in; lmtp: RFC 2033; qmtp and qmqp: qmail to qmail; pop3 and pop3s: their mailboxes (RFC 1939)',
  }),
  listen: option.string({
    description: '127.0.0.1:25, [::1]:25, the path of a UNIX socket, systemd:NAME or fd:3',
  }),
  socket_mode: optional(
    option.string({ description: 'Who may connect to a UNIX socket: "0660", in quotes' }),
  ),
  hand_over: option.boolean({
    default: false,
    description: 'For `postern smtpd` under tcpserver: believes whatever it says of its client',
  }),
  certificate: optional(
    option.string({ description: 'PEM file; absent: a self-signed one is made at first start' }),
  ),
  key: optional(option.string({ description: 'PEM file' })),
  ...listenerTlsShape,
  max_connections: option.integer({ default: 1000, min: 1, description: 'At one time' }),
  max_connections_per_address: option.integer({ default: 100, min: 1 }),
  max_connections_per_network: optional(
    option.integer({ min: 1, description: 'From one /24 or one /64; see network_prefix' }),
  ),
  max_load: optional(
    option.number({ min: 0, description: 'Load average of a minute; MAXLOAD is 100 times that' }),
  ),
  ident: optional(
    option.duration({
      description: 'So long a client’s host is asked before the greeting whose connection it is',
    }),
  ),
} as const

export const entryShape = {
  plugin: option.string({ maxLength: 64 }),
  name: optional(option.string({ maxLength: 64, description: 'Where two entries use one plugin' })),
  mode: option.choice(['enforce', 'shadow', 'off'], { default: 'enforce' }),
  on_fault: optional(option.choice(['defer', 'pass', 'reject', 'quarantine'])),
  timeout: optional(option.duration()),
  refuse_at: optional(option.choice(['now', 'rcpt'])),
  first: option.boolean({ default: false, description: 'At `message`: alone, before the others' }),
} as const

/** `when` and `unless`. */
export const conditionShape = {
  listener: optional(option.strings()),
  authenticated: optional(option.boolean()),
  relay_client: optional(option.boolean()),
  allowed: optional(option.boolean()),
  network: optional(option.networks()),
  environment: optional(option.strings()),
  recipient: optional(option.strings()),
  recipient_domain: optional(option.strings()),
} as const

/** How a message is marked whose score reaches `tag`; `fields` is read beside it. */
export const taggingShape = {
  subject_prefix: option.string({ default: '', maxLength: 60, description: 'Before the subject' }),
} as const

/** Held mail; `digest` is read beside it. */
export const quarantineShape = {
  max_age: optional(option.duration({ description: 'What is older is deleted' })),
  max_size: optional(option.size({ description: 'Beyond it the oldest is deleted' })),
  max_messages: optional(option.integer({ min: 1 })),
  notify: option.strings({ default: [], description: 'Who is told: sender, recips, admin …' }),
  admin: optional(option.string({ description: 'Left out: who gets double bounces' })),
  virus_entries: option.strings({ default: ['clamav'], description: 'Entries that hold viruses' }),
} as const

export const quarantineDigestShape = {
  to: option.strings({
    default: ['*'],
    description: 'Addresses and domains; *: all that are ours',
  }),
  hour: option.integer({ default: 7, min: 0, max: 23, description: 'Not before, by local time' }),
  except: option.strings({
    default: ['clamav'],
    description: 'Entries whose messages are not listed: only an administrator lets them go',
  }),
  link_base: optional(
    option.string({
      description: 'Where links lead; left out: to admin.public_url, if there is one',
    }),
  ),
  link_lifetime: option.duration({ default: '7d' }),
  key_file: option.string({
    default: '../var/quarantine.key',
    description: 'Signs the links; made where there is none',
  }),
} as const

/** Who is told of what. */
export const alertsShape = {
  to: option.strings({ default: [], description: 'Addresses that a mail goes to' }),
  webhook: optional(option.string({ description: 'https://…: called with JSON for each alert' })),
  webhook_secret_file: optional(
    option.string({ description: 'Signs the calls: X-Postern-Signature (HMAC-SHA-256)' }),
  ),
  every: option.duration({
    default: '30s',
    description:
      'How often the numbers are looked at: what two looks find counts, and four its end, a minute and two at most',
  }),
  mails_per_hour: option.integer({ default: 12, min: 1, description: 'What is more waits' }),
  queue_messages: option.integer({
    default: 10_000,
    min: 1,
    description: 'That wait, not on hold',
  }),
  queue_age: option.duration({
    default: '1h',
    description: 'Age of a message that was never tried',
  }),
  deferred_age: optional(
    option.duration({ description: 'Age of a message that was tried before; left out: any' }),
  ),
  dependency_down: option.duration({
    default: '5m',
    description: 'How long an entry may go without what it depends on',
  }),
  signatures_age: option.duration({ default: '3d', description: 'Of virus signatures' }),
  certificate: option.duration({ default: '21d', description: 'Before a certificate expires' }),
  disk_free: option.number({
    default: 10,
    min: 0,
    max: 100,
    description: 'Percent of space, and of inodes, where the spool lies',
  }),
} as const

/** Where spans go; `headers` is read beside it. */
export const telemetryShape = {
  traces: option.string({
    description: 'OTLP over HTTP with JSON, such as http://127.0.0.1:4318/v1/traces',
  }),
  sample: option.number({ default: 0.01, min: 0, max: 1, description: 'Share of transactions' }),
  service: option.string({ default: 'postern', maxLength: 64 }),
} as const
