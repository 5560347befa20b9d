/**
 * The receiver's own settings, by the mechanism that plugins have: declared once, checked with line
 * numbers, overridable for a client by tcp.smtp where an option names a variable.
 */
import type { Environment } from '../mail/environment.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { isDomain } from '../mail/domain.ts'
import { option } from '../plugin/option-makers.ts'
import type { OptionResources, OptionValues } from '../plugin/option.ts'
import {
  environmentOptions,
  resolveOptions,
  type OptionMistake,
} from '../plugin/resolve-options.ts'
import type { ListenerRole, ReceiverSettings } from '../smtp/policy.ts'
import { mistakeAt, type Mistake, type WrittenAt } from '../plugin/mistake.ts'
import { presetsOf } from './listener-roles.ts'

/** The section `receiver` of the configuration. */
export const receiverOptions = {
  hostname: option.string({ maxLength: 255, description: 'Our name; control/me where absent.' }),
  greeting: option.string({
    default: '',
    maxLength: 400,
    env: 'SMTPGREETING',
    description: 'What follows 220; our name where empty.',
  }),
  max_message: option.size({
    default: '50MB',
    env: 'DATABYTES',
    description: 'The largest message taken; 0: no limit.',
  }),
  max_recipients: option.integer({ default: 1000, min: 1, max: 100_000, env: 'MAXRCPT' }),
  max_errors: option.integer({
    default: 20,
    min: 1,
    description: 'Wrong commands, before the session is ended.',
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
    description: 'Received and Delivered-To fields; more means that the message is looping.',
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
    description: 'On listeners with a certificate; required: MAIL only after STARTTLS.',
  }),
  auth: option.choice(['off', 'offered', 'required'], {
    default: 'offered',
    description: 'required: MAIL only after a login; so it is on submission and smtps.',
  }),
  auth_without_tls: option.boolean({ default: false, env: 'ALLOW_INSECURE_AUTH' }),
  prdr: option.boolean({
    default: true,
    description: 'A reply for each recipient after the message, for clients that ask for it.',
  }),
  split: option.choice(['off', 'first'], {
    default: 'off',
    description:
      'first: recipients about whom other entries decide are asked for in another transaction.',
  }),
  etrn: option.networks({
    default: [],
    description: 'Clients that may have messages for a domain tried at once (RFC 1985).',
  }),
  complete_header: option.boolean({
    default: false,
    description: 'Add a missing Date and Message-ID; so it is on submission and smtps.',
  }),
} as const

type Values = OptionValues<typeof receiverOptions>

export interface ReceiverSection {
  /** As written in the file. */
  readonly options: JsonValue | undefined
  readonly place: WrittenAt
  /** What holds where the file says nothing, for instance by control files: `hostname`, `max_message`. */
  readonly defaults: JsonObject
}

export interface ListenerTraits {
  readonly name: string
  /** `mx` where absent. */
  readonly role?: ListenerRole
  /** Whether it has a certificate. */
  readonly tls: boolean
  /** What it has in place of the section, as written below its key `receiver`. */
  readonly options?: JsonValue | undefined
  readonly place?: WrittenAt
}

/** The settings of a listener as an environment has them; where a variable does not parse, the file's. */
export type SettingsOf = (
  listener: string,
  environment: Environment,
) =>
  | { readonly ok: true; readonly settings: ReceiverSettings }
  | { readonly ok: false; readonly settings: ReceiverSettings; readonly problem: string }

export interface ReceiverRequest {
  readonly section: ReceiverSection
  readonly listeners: readonly ListenerTraits[]
  readonly resources: OptionResources
  /** Whether an enabled entry can verify a login. */
  readonly canVerify: boolean
}

type Settled =
  | { readonly ok: true; readonly settingsOf: SettingsOf }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }

export function receiverSettings(request: ReceiverRequest): Settled {
  const { section, listeners, resources } = request
  const given = isMap(section.options)
    ? { ...section.defaults, ...section.options }
    : (section.options ?? section.defaults)
  const common = resolveOptions(receiverOptions, given, resources)
  const mistakes = (common.ok ? [] : common.mistakes).map((mistake) =>
    mistakeAt(section.place, mistake.key === '' ? [] : [mistake.key], mistake),
  )
  const byListener = new Map<string, Resolver>()
  for (const listener of listeners) {
    const settled = settleListener(listener, isMap(given) ? given : {}, request)
    mistakes.push(...settled.mistakes)
    byListener.set(listener.name, settled.resolver)
  }
  if (!common.ok || mistakes.length > 0) return { ok: false, mistakes }
  const elsewhere = resolverOf(common.values, resources, (values) =>
    settings(values, { role: 'mx', tls: false, canVerify: request.canVerify }),
  )
  return {
    ok: true,
    settingsOf: (listener, environment) => (byListener.get(listener) ?? elsewhere)(environment),
  }
}

type Resolver = (environment: Environment) => ReturnType<SettingsOf>

/** The listener's own options stand above its role's, and those above the section's. Mistakes of the section are not said again. */
function settleListener(
  listener: ListenerTraits,
  section: JsonObject,
  { section: { place: sectionPlace }, resources, canVerify }: ReceiverRequest,
): { readonly resolver: Resolver; readonly mistakes: readonly Mistake[] } {
  const { role = 'mx', tls, options: written, place = sectionPlace } = listener
  const none: Resolver = () => {
    throw new Error('settings with mistakes are in force')
  }
  const own = written ?? {}
  if (!isMap(own)) {
    const problem = 'the options are not a map'
    const remedy = 'write the options as key: value'
    return { resolver: none, mistakes: [mistakeAt(place, ['receiver'], { problem, remedy })] }
  }
  const given = { ...section, ...presetsOf(role), ...own }
  const resolved = resolveOptions(receiverOptions, given, resources)
  if (!resolved.ok) {
    const mistakes = resolved.mistakes
      .filter(({ key }) => Object.hasOwn(own, key))
      .map((mistake) => mistakeAt(place, ['receiver', mistake.key], mistake))
    return { resolver: none, mistakes }
  }
  const traits = { role, tls, canVerify }
  const impossible = impossibleSetting(listener, resolved.values, traits)
  if (impossible !== undefined) {
    const { key } = impossible
    const mistake = Object.hasOwn(own, key)
      ? mistakeAt(place, ['receiver', key], impossible)
      : Object.hasOwn(presetsOf(role), key)
        ? mistakeAt(place, ['role'], impossible)
        : mistakeAt(sectionPlace, [key], impossible)
    return { resolver: none, mistakes: [mistake] }
  }
  const resolver = resolverOf(resolved.values, resources, (values) => settings(values, traits))
  return { resolver, mistakes: [] }
}

function resolverOf(
  base: Values,
  resources: OptionResources,
  make: (values: Values) => ReceiverSettings,
): Resolver {
  const valuesIn = environmentOptions(receiverOptions, base, resources)
  const settingsFor = remembering(make)
  return (environment) => {
    const inForce = valuesIn(environment)
    return inForce.ok
      ? { ok: true, settings: settingsFor(inForce.values) }
      : { ok: false, settings: settingsFor(base), problem: inForce.problem }
  }
}

interface Traits {
  readonly role: ListenerRole
  readonly tls: boolean
  readonly canVerify: boolean
}

/** Well below what any client waits for a reply (RFC 5321 §4.5.3.2). */
const longestTarpitMs = 60_000

/** A listener on which no client could ever do what the settings ask of it. */
function impossibleSetting(
  { name }: ListenerTraits,
  values: Values,
  { tls, canVerify }: Traits,
): OptionMistake | undefined {
  if (values.starttls === 'required' && !tls) {
    const problem = `is required, but the listener ${name} has no certificate`
    return { key: 'starttls', problem, remedy: 'give it certificate and key, or write offered' }
  }
  if (values.tarpit_delay > longestTarpitMs) {
    const problem = 'is so long that clients would give up'
    return { key: 'tarpit_delay', problem, remedy: 'write 60s or less' }
  }
  if (values.auth !== 'required') return undefined
  if (!canVerify) {
    const problem = `the listener ${name} asks for a login, but no entry verifies logins`
    return { key: 'auth', problem, remedy: 'add an entry that does, or write auth: offered' }
  }
  if (!tls && !values.auth_without_tls) {
    const problem = `the listener ${name} asks for a login, which it does not offer without TLS`
    const remedy = 'give it certificate and key, or write auth_without_tls: true'
    return { key: 'auth', problem, remedy }
  }
  return undefined
}

function isMap(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Values are few and shared (see environmentOptions), so what is made of them is shared as well. */
function remembering<T>(make: (values: Values) => T): (values: Values) => T {
  const made = new WeakMap<Values, T>()
  return (values) => {
    const before = made.get(values)
    if (before !== undefined) return before
    const now = make(values)
    made.set(values, now)
    return now
  }
}

function settings(values: Values, { role, tls, canVerify }: Traits): ReceiverSettings {
  const protocol = role === 'lmtp' ? 'lmtp' : 'smtp'
  return Object.freeze({
    hostname: values.hostname,
    greeting: greeting(values.hostname, values.greeting, protocol),
    maxMessageBytes: values.max_message,
    maxRecipients: values.max_recipients,
    maxErrors: values.max_errors,
    maxRefusedRecipients: values.max_refused_recipients,
    tarpit: { after: values.tarpit_after, delayMs: values.tarpit_delay },
    maxHops: values.max_hops,
    commandTimeoutMs: values.command_timeout,
    dataTimeoutMs: values.data_timeout,
    dataPace: { minBytesPerSecond: values.min_data_rate, windowMs: values.data_rate_window },
    starttls: tls ? values.starttls : 'off',
    mechanisms: canVerify && values.auth !== 'off' ? (['PLAIN', 'LOGIN'] as const) : [],
    authWithoutTls: values.auth_without_tls,
    authRequired: values.auth === 'required',
    protocol,
    prdr: values.prdr && protocol === 'smtp',
    splitsByClass: values.split === 'first',
    etrnClients: values.etrn,
    completesHeader: values.complete_header,
  })
}

/** RFC 5321 §4.2: a name stands first; qmail's files often have one of their own. ESMTP ends it, as qmail has it. */
function greeting(hostname: string, text: string, protocol: ReceiverSettings['protocol']): string {
  const first = text.split(' ', 1)[0] ?? ''
  const named = first.includes('.') && isDomain(first) ? text : `${hostname} ${text}`.trimEnd()
  if (protocol === 'lmtp') return `${named.replace(/ ?\bESMTP\b/, '')} LMTP`
  return /\bESMTP\b/.test(named) ? named : `${named} ESMTP`
}
