import type { OptionMistake } from '../plugin/resolve-options.ts'
import type { ReceiverValues, SettingsTraits } from './receiver-settings.ts'

/** Well below what any client waits for a reply (RFC 5321 §4.5.3.2). */
const longestTarpitMs = 60_000

/** What each option allows and all together do not: settings of a listener on which no client could ever do what the settings ask of it. */
export function impossibleSetting(
  name: string,
  values: ReceiverValues,
  { tls, canVerify }: SettingsTraits,
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
