/**
 * The receiver's own settings, by the mechanism that plugins have: declared once, checked with line
 * numbers, overridable for a client by tcp.smtp where an option names a variable.
 */
import { mostRecipients, recipientsOfMaxrcpt } from '../formats/maxrcpt.ts'
import { isExtension, type Extension } from '../mail/extensions.ts'
import { isDomain } from '../mail/domain.ts'
import { option } from '../plugin/option-makers.ts'
import type { Option, OptionValues } from '../plugin/option.ts'
import type { LoginMechanism, ListenerRole, ReceiverSettings } from '../smtp/policy.ts'
import { clientTlsOptions, tlsChoice } from './client-tls.ts'
import { receiverSwitches } from './receiver-switches.ts'

function asMaxrcpt(option: Option<number>): Option<number> {
  return {
    ...option,
    fromText(text) {
      const read = option.fromText(text)
      if (!read.ok || typeof read.value !== 'number') return read
      return { ok: true, value: recipientsOfMaxrcpt(read.value) }
    },
  }
}

/** The section `receiver` of the configuration. */
export const receiverOptions = {
  hostname: option.string({ maxLength: 255, description: 'Our name; control/me where absent.' }),
  greeting: option.string({
    default: '',
    maxLength: 400,
    env: 'SMTPGREETING',
    description: 'What follows 220; our name where empty.',
  }),
  localiphost: option.string({
    default: '',
    maxLength: 255,
    description:
      'The domain of addresses at an address literal of ours; control/localiphost, or our name, where empty.',
  }),
  lenient_addresses: option.boolean({
    default: false,
    description:
      'Take paths without angle brackets and the like as qmail does, instead of refusing them.',
  }),
  max_message: option.size({
    default: '50MB',
    env: 'DATABYTES',
    description: 'The largest message taken; 0: no limit.',
  }),
  max_recipients: asMaxrcpt(
    option.integer({
      default: 1000,
      min: 1,
      max: mostRecipients,
      env: 'MAXRCPT',
      description: 'In one transaction; as a variable below 1: any number.',
    }),
  ),
  max_errors: option.integer({
    default: 20,
    min: 1,
    description: 'Wrong commands, before the session is ended.',
  }),
  max_idle_commands: option.integer({
    default: 1_000,
    min: 1,
    description:
      'RSET, NOOP, EHLO, VRFY, HELP, BDAT 0 and commands that were refused or deferred, between two messages, before the session is ended.',
  }),
  max_refused_recipients: option.integer({
    default: 100,
    min: 1,
    description: 'Rejected recipients, before the session is ended.',
  }),
  tarpit_after: option.integer({
    default: 10,
    min: 0,
    description: 'Wrong commands and rejected recipients; from then on refusals are delayed.',
  }),
  tarpit_delay: option.duration({
    default: '1s',
    description: 'How long each refusal is delayed, at most 60s; 0s: none is.',
  }),
  max_hops: option.integer({
    default: 100,
    min: 1,
    description: 'A message with so many Received and Delivered-To fields is looping.',
  }),
  max_header: option.size({
    default: '256KB',
    description: 'The longest header of a message. What stands in it is read as a whole.',
  }),
  max_header_fields: option.integer({ default: 1000, min: 1, max: 100_000 }),
  max_line: option.size({
    default: 0,
    description: 'The longest line of a message in bytes, its CRLF included; 0: no limit.',
  }),
  line_ends: option.choice(['refuse', 'fix'], {
    default: 'refuse',
    env: 'LINEENDS',
    description:
      'A CR or LF that stands alone in a message: refuse it, or make a CRLF of it. Neither ever ends a message.',
  }),
  nul: option.choice(['refuse', 'fix'], {
    default: 'refuse',
    description: 'A NUL in a message: refuse it, or drop the NUL.',
  }),
  extensions_off: option.strings({
    default: [],
    description: 'SMTP extensions that are neither offered nor understood, by their EHLO keywords.',
  }),
  command_timeout: option.duration({ default: '5m' }),
  data_timeout: option.duration({ default: '10m' }),
  min_data_rate: option.size({
    default: 100,
    description: 'Bytes a second in which a message must come in, on average; 0: no floor.',
  }),
  data_rate_window: option.duration({
    default: '2m',
    description: 'The time over which min_data_rate is averaged.',
  }),
  starttls: option.choice(['off', 'offered', 'required'], {
    default: 'offered',
    description: 'On listeners with tls: starttls; required: MAIL only after STARTTLS.',
  }),
  ...clientTlsOptions,
  auth_mechanisms: option.strings({
    default: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256', 'APOP'],
    description: 'Offered as far as an entry can answer them; APOP is for POP3.',
  }),
  max_failed_logins: option.integer({
    default: 5,
    min: 1,
    description: 'Logins that were refused, before the session is ended.',
  }),
  auth: option.choice(['off', 'offered', 'required'], {
    default: 'offered',
    env: 'REQUIRE_AUTH',
    words: { '0': 'offered', '1': 'required' },
    description: 'required: MAIL only after a login; so it is on submission and smtps.',
  }),
  auth_without_tls: option.boolean({
    default: false,
    env: 'ALLOW_INSECURE_AUTH',
    description: 'Offer logins in the clear too.',
  }),
  ...receiverSwitches,
  log_mail: option.boolean({
    default: false,
    env: 'QMAILSMTPD_LOG_MAIL',
    description: 'Log each reverse-path that is taken (mail.taken).',
  }),
  log_rcpt: option.boolean({
    default: false,
    env: 'QMAILSMTPD_LOG_RCPT',
    description: 'Log each forward-path that is asked for (rcpt.asked).',
  }),
  help_version: option.boolean({
    default: false,
    env: 'QMAILSMTPD_HELP_VERSION',
    description: 'HELP tells which version of Postern answers.',
  }),
  prdr: option.boolean({
    default: true,
    description: 'A reply for each recipient after the message, for clients that ask for it.',
  }),
  binarymime: option.boolean({
    default: false,
    description:
      'Take messages that are no text, by BDAT. Few next hops do: such a message bounces where its next hop does not.',
  }),
  split: option.choice(['off', 'first'], {
    default: 'off',
    description:
      'first: recipients about whom other entries decide are asked for in another transaction.',
  }),
  qmqp_clients: option.networks({
    default: [],
    description:
      'Clients that may hand over messages by QMQP, besides those whose rule sets RELAYCLIENT.',
  }),
  etrn: option.networks({
    default: [],
    description: 'Clients that may have messages for a domain tried at once (RFC 1985).',
  }),
  complete_header: option.boolean({
    default: false,
    description: 'Add a missing Date and Message-ID; so it is on submission and smtps.',
  }),
  reply_ids: option.boolean({
    default: false,
    description:
      'Refusals and the final 250 end with (id …): whoever quotes them is found by postern why.',
  }),
  xclient_networks: option.networks({
    default: [],
    description: 'Proxies that may say for whom they speak, by XCLIENT.',
  }),
  xforward_networks: option.networks({
    default: [],
    description: 'Proxies that may say, by XFORWARD, whom a message came from; for log and trace.',
  }),
} as const

export type ReceiverValues = OptionValues<typeof receiverOptions>

/** What the settings of a listener depend on besides its options. */
export interface SettingsTraits {
  readonly role: ListenerRole
  /** Whether it has TLS, by STARTTLS or from the first byte. */
  readonly tls: boolean
  /** The mechanisms that an enabled entry can answer. */
  readonly answerable: readonly LoginMechanism[]
  /** Of Postern. */
  readonly version?: string | undefined
}

/** The settings that values of the options come to. */
export function settingsFrom(
  values: ReceiverValues,
  { role, tls, answerable, version }: SettingsTraits,
): ReceiverSettings {
  const protocol = protocolOf(role)
  const choice = tls ? tlsChoice(values) : undefined
  const mechanisms =
    values.auth === 'off' ? [] : answerable.filter((name) => values.auth_mechanisms.includes(name))
  return Object.freeze({
    hostname: values.hostname,
    greeting: greeting(values.hostname, values.greeting, protocol),
    localIpHost: values.localiphost === '' ? values.hostname : values.localiphost,
    lenientAddresses: values.lenient_addresses,
    maxMessageBytes: values.max_message,
    maxRecipients: values.max_recipients,
    maxErrors: values.max_errors,
    maxIdleCommands: values.max_idle_commands,
    maxFailedLogins: values.max_failed_logins,
    maxRefusedRecipients: values.max_refused_recipients,
    tarpit: { after: values.tarpit_after, delayMs: values.tarpit_delay },
    maxHops: values.max_hops,
    maxHeaderBytes: values.max_header,
    maxHeaderFields: values.max_header_fields,
    maxTextLineBytes: values.max_line,
    lineEnds: values.line_ends,
    nul: values.nul,
    extensionsOff: switchedOff(values),
    commandTimeoutMs: values.command_timeout,
    dataTimeoutMs: values.data_timeout,
    dataPace: { minBytesPerSecond: values.min_data_rate, windowMs: values.data_rate_window },
    starttls: tls ? values.starttls : 'off',
    mechanisms: mechanisms.filter((name) => name !== 'APOP'),
    apop: mechanisms.includes('APOP'),
    authWithoutTls: values.auth_without_tls,
    ...(isEmpty(values.xclient_networks) ? {} : { xclientNetworks: values.xclient_networks }),
    ...(isEmpty(values.xforward_networks) ? {} : { xforwardNetworks: values.xforward_networks }),
    authRequired: values.auth === 'required',
    logsMail: values.log_mail,
    logsRecipients: values.log_rcpt,
    ...(values.help_version && version !== undefined ? { helpVersion: version } : {}),
    protocol,
    prdr: values.prdr && protocol === 'smtp',
    binaryMime: values.binarymime,
    splitsByClass: values.split === 'first',
    qmqpClients: values.qmqp_clients,
    etrnClients: values.etrn,
    completesHeader: values.complete_header,
    replyIds: values.reply_ids,
    ...(choice === undefined ? {} : { tls: choice }),
  })
}

function protocolOf(role: ListenerRole): ReceiverSettings['protocol'] {
  return role === 'lmtp' || role === 'qmtp' || role === 'qmqp' ? role : 'smtp'
}

const isEmpty = ({ list }: ReceiverValues['xclient_networks']): boolean => list.length === 0

export function switchedOff(values: ReceiverValues): readonly Extension[] {
  return values.extensions_off.map((keyword) => keyword.toUpperCase()).filter(isExtension)
}

/** RFC 5321 §4.2: a name stands first; qmail's files often have one of their own. ESMTP ends it, as qmail has it. */
function greeting(hostname: string, text: string, protocol: ReceiverSettings['protocol']): string {
  const first = text.split(' ', 1)[0] ?? ''
  const named = first.includes('.') && isDomain(first) ? text : `${hostname} ${text}`.trimEnd()
  if (protocol === 'lmtp') return `${named.replace(/ ?\bESMTP\b/, '')} LMTP`
  return /\bESMTP\b/.test(named) ? named : `${named} ESMTP`
}
