/**
 * qmail's switches: variables that are on or off, and change what other options of the receiver say. Options of their own,
 * because a variable sets one option; here they come together with the rest, the same way for every client.
 */
import { option } from '../plugin/option-makers.ts'
import type { OptionMistake } from '../plugin/resolve-options.ts'
import type { OptionValues } from '../plugin/option.ts'

export const receiverSwitches = {
  force_tls: option.boolean({
    default: false,
    env: 'FORCE_TLS',
    description: 'MAIL only after STARTTLS, as starttls: required.',
  }),
  deny_tls: option.boolean({
    default: false,
    env: 'DENY_TLS',
    description: 'STARTTLS is not offered, as starttls: off.',
  }),
  tls_in_front: option.boolean({
    default: false,
    env: 'SSL',
    description:
      'TLS has ended before it reached us (stunnel, sslserver): logins need no STARTTLS, and none is offered.',
  }),
  cram_md5: option.boolean({
    default: true,
    env: 'ALLOW_CRAM',
    description: 'CRAM-MD5 is offered where an entry can answer it.',
  }),
} as const

/** The options that they change. */
interface Changed extends OptionValues<typeof receiverSwitches> {
  readonly starttls: 'off' | 'offered' | 'required'
  readonly auth_without_tls: boolean
  readonly auth_mechanisms: readonly string[]
}

/** The values that the switches come to. */
export function switched<V extends Changed>(values: V): V {
  const { force_tls, deny_tls, tls_in_front, cram_md5 } = values
  const starttls = tls_in_front || deny_tls ? 'off' : force_tls ? 'required' : values.starttls
  return {
    ...values,
    starttls,
    auth_without_tls: values.auth_without_tls || tls_in_front,
    auth_mechanisms: cram_md5
      ? values.auth_mechanisms
      : values.auth_mechanisms.filter((name) => name !== 'CRAM-MD5'),
  }
}

/** Switches that say the opposite of each other. */
export function contradiction({
  force_tls,
  deny_tls,
  tls_in_front,
}: OptionValues<typeof receiverSwitches>): OptionMistake | undefined {
  if (!force_tls || !deny_tls || tls_in_front) return undefined
  const remedy = 'take one of the two away'
  return { key: 'force_tls', problem: 'is on together with deny_tls', remedy }
}
