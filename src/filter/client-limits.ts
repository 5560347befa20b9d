/**
 * tcpserver's limits as a tcp.smtp rule changes them for a client, by the variables that qmail's limits patch has. What no
 * variable names stays as the listener has it.
 */
import type { Environment } from '../mail/environment.ts'
import { defer, reject } from '../plugin/verdict.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import type { Option, OptionResources, OptionValues } from '../plugin/option.ts'
import { environmentOptions } from '../plugin/resolve-options.ts'
import type { ClientLimits } from '../smtp/policy.ts'
import { denied } from './refusals.ts'
import type { Objection } from './step.ts'

const count = { min: 0, max: 1_000_000 }
const text = { maxLength: 400 }

export const clientLimitOptions = {
  max_connections_per_address: optional(
    option.integer({
      ...count,
      env: 'MAXCONNIP',
      description: 'Connections at one time from one address; 0: none.',
    }),
  ),
  max_connections_per_network: optional(
    option.integer({
      ...count,
      env: 'MAXCONNC',
      description: 'Connections at one time from one /24 or /64; 0: none.',
    }),
  ),
  max_load: optional(
    hundredths(
      option.number({
        min: 0,
        env: 'MAXLOAD',
        description: 'The load average of a minute, as a variable 100 times that; 0: no limit.',
      }),
    ),
  ),
  text: optional(
    option.string({
      ...text,
      env: 'DIEMSG',
      description: 'What a client is told that is denied or beyond a limit; 421 or 554 before it.',
    }),
  ),
  text_address: optional(
    option.string({ ...text, env: 'DIEMSG_MAXCONNIP', description: 'The same, for MAXCONNIP.' }),
  ),
  text_network: optional(
    option.string({ ...text, env: 'DIEMSG_MAXCONNC', description: 'The same, for MAXCONNC.' }),
  ),
  text_load: optional(
    option.string({ ...text, env: 'DIEMSG_MAXLOAD', description: 'The same, for MAXLOAD.' }),
  ),
} as const

type LimitValues = OptionValues<typeof clientLimitOptions>

/** Nothing is said. */
const unset: LimitValues = {
  max_connections_per_address: undefined,
  max_connections_per_network: undefined,
  max_load: undefined,
  text: undefined,
  text_address: undefined,
  text_network: undefined,
  text_load: undefined,
}

/** What a client meets before its session begins, or the variable that does not parse. */
export type LimitsFor =
  | { readonly ok: true; readonly limits: ClientLimits; readonly denied: Objection }
  | { readonly ok: false; readonly problem: string }

/** The limits of an environment; the same object for the same environment. */
export function clientLimits(): (environment: Environment) => LimitsFor {
  const inForce = environmentOptions(clientLimitOptions, unset, noFiles)
  const made = new WeakMap<LimitValues, LimitsFor>()
  return (environment) => {
    const resolved = inForce(environment)
    if (!resolved.ok) return resolved
    const { values } = resolved
    const before = made.get(values)
    if (before !== undefined) return before
    const now: LimitsFor = { ok: true, limits: limitsFrom(values), denied: denial(values.text) }
    made.set(values, now)
    return now
  }
}

function limitsFrom(values: LimitValues): ClientLimits {
  const { max_load: load, max_connections_per_address: perAddress } = values
  const perNetwork = values.max_connections_per_network
  const texts = textsFrom(values)
  return {
    ...(perAddress === undefined ? {} : { maxConnectionsPerAddress: perAddress }),
    ...(perNetwork === undefined ? {} : { maxConnectionsPerNetwork: perNetwork }),
    ...(load === undefined ? {} : { maxLoad: load === 0 ? Number.POSITIVE_INFINITY : load }),
    ...(texts.length === 0 ? {} : { texts: Object.fromEntries(texts) }),
  }
}

/** An empty text is none: the listener's own is said. */
function textsFrom(values: LimitValues): readonly (readonly [string, string])[] {
  const { text: usual = '' } = values
  const own = {
    address: values.text_address ?? usual,
    network: values.text_network ?? usual,
    load: values.text_load ?? usual,
  }
  return Object.entries(own).filter(([, text]) => text !== '')
}

/** Of the codes that may be in front only 421 and 554 exist at this moment (RFC 5321 §4.3.2). */
function denial(words: string | undefined): Objection {
  if (words === undefined || words === '') return denied
  const said = { reason: 'DENIED', close: true }
  const plain = words.replace(/^[245]\d\d[ -]?/, '')
  return words.startsWith('4') ? defer('4.7.1', plain, said) : reject('5.7.1', plain, said)
}

function hundredths(option: Option<number>): Option<number> {
  return {
    ...option,
    fromText(written) {
      const read = option.fromText(written)
      return read.ok && typeof read.value === 'number'
        ? { ok: true, value: read.value / 100 }
        : read
    },
  }
}

/** No limit is a file. */
const noFiles: OptionResources = { file: none, table: none, cdb: none }

function none(path: string): never {
  throw new Error(`${path} is no limit`)
}
