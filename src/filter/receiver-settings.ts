/**
 * The receiver's own settings, by the mechanism that plugins have: declared once, checked with line
 * numbers, overridable for a client by tcp.smtp where an option names a variable.
 */
import type { Environment } from '../mail/environment.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { isDomain } from '../mail/domain.ts'
import { option } from '../plugin/option-makers.ts'
import type { OptionResources, OptionValues } from '../plugin/option.ts'
import { environmentOptions, resolveOptions } from '../plugin/resolve-options.ts'
import type { ReceiverSettings } from '../smtp/policy.ts'
import { mistakeAt, type Mistake, type WrittenAt } from '../plugin/mistake.ts'

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
  max_hops: option.integer({
    default: 100,
    min: 1,
    description: 'Received and Delivered-To fields; more means that the message is looping.',
  }),
  command_timeout: option.duration({ default: '5m' }),
  data_timeout: option.duration({ default: '10m' }),
  starttls: option.choice(['off', 'offered', 'required'], {
    default: 'offered',
    description: 'On listeners with a certificate; required: MAIL only after STARTTLS.',
  }),
  auth_without_tls: option.boolean({ default: false, env: 'ALLOW_INSECURE_AUTH' }),
  xclient_networks: option.networks({
    default: [],
    description: 'Proxies that may say for whom they speak, by XCLIENT.',
  }),
  xforward_networks: option.networks({
    default: [],
    description: 'Proxies that may say, by XFORWARD, whom a message came from; for log and trace.',
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
  /** Whether it has a certificate. */
  readonly tls: boolean
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

export function receiverSettings({
  section,
  listeners,
  resources,
  canVerify,
}: ReceiverRequest):
  | { readonly ok: true; readonly settingsOf: SettingsOf }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] } {
  const given = isMap(section.options)
    ? { ...section.defaults, ...section.options }
    : (section.options ?? section.defaults)
  const resolved = resolveOptions(receiverOptions, given, resources)
  if (!resolved.ok) {
    const mistakes = resolved.mistakes.map((mistake) =>
      mistakeAt(section.place, mistake.key === '' ? [] : [mistake.key], mistake),
    )
    return { ok: false, mistakes }
  }
  const bare =
    resolved.values.starttls === 'required' ? listeners.find(({ tls }) => !tls) : undefined
  if (bare !== undefined) {
    const problem = `is required, but the listener ${bare.name} has no certificate`
    const remedy = 'give it certificate and key, or write offered'
    return { ok: false, mistakes: [mistakeAt(section.place, ['starttls'], { problem, remedy })] }
  }
  const valuesIn = environmentOptions(receiverOptions, resolved.values, resources)
  const byListener = new Map(
    listeners.map(({ name, tls }) => [
      name,
      remembering((values) => settings(values, tls, canVerify)),
    ]),
  )
  const withoutTls = remembering((values) => settings(values, false, canVerify))
  const settingsOf: SettingsOf = (listener, environment) => {
    const make = byListener.get(listener) ?? withoutTls
    const inForce = valuesIn(environment)
    return inForce.ok
      ? { ok: true, settings: make(inForce.values) }
      : { ok: false, settings: make(resolved.values), problem: inForce.problem }
  }
  return { ok: true, settingsOf }
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

function settings(values: Values, tls: boolean, canVerify: boolean): ReceiverSettings {
  return Object.freeze({
    hostname: values.hostname,
    greeting: greeting(values.hostname, values.greeting),
    maxMessageBytes: values.max_message,
    maxRecipients: values.max_recipients,
    maxErrors: values.max_errors,
    maxHops: values.max_hops,
    commandTimeoutMs: values.command_timeout,
    dataTimeoutMs: values.data_timeout,
    starttls: tls ? values.starttls : 'off',
    mechanisms: canVerify ? (['PLAIN', 'LOGIN'] as const) : [],
    authWithoutTls: values.auth_without_tls,
    ...(isEmpty(values.xclient_networks) ? {} : { xclientNetworks: values.xclient_networks }),
    ...(isEmpty(values.xforward_networks) ? {} : { xforwardNetworks: values.xforward_networks }),
  })
}

const isEmpty = ({ list }: Values['xclient_networks']): boolean => list.length === 0

/** RFC 5321 §4.2: a name stands first; qmail's files often have one of their own. ESMTP ends it, as qmail has it. */
function greeting(hostname: string, text: string): string {
  const first = text.split(' ', 1)[0] ?? ''
  const named = first.includes('.') && isDomain(first) ? text : `${hostname} ${text}`.trimEnd()
  return /\bESMTP\b/.test(named) ? named : `${named} ESMTP`
}
