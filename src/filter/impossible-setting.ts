import { extensions, isExtension } from '../mail/extensions.ts'
import type { OptionMistake } from '../plugin/resolve-options.ts'
import { contradiction, switched } from './receiver-switches.ts'
import { switchedOff, type ReceiverValues, type SettingsTraits } from './receiver-settings.ts'

/** Well below what any client waits for a reply (RFC 5321 §4.5.3.2). */
const longestTarpitMs = 60_000

/** What each option allows and all together do not: settings of a listener on which no client could ever do what the settings ask of it. */
export function impossibleSetting(
  name: string,
  written: ReceiverValues,
  { tls, answerable }: SettingsTraits,
): OptionMistake | undefined {
  const values = switched(written)
  const mistaken = contradiction(written) ?? mistakenSwitch(values) ?? mistakenLimit(values)
  if (mistaken !== undefined) return mistaken
  if (values.starttls === 'required' && !tls) {
    const problem = `is required, but the listener ${name} has no TLS`
    return {
      key: written.force_tls ? 'force_tls' : 'starttls',
      problem,
      remedy: 'give it tls: starttls, or write offered',
    }
  }
  if (values.tarpit_delay > longestTarpitMs) {
    const problem = 'is so long that clients would give up'
    return { key: 'tarpit_delay', problem, remedy: 'write 60s or less' }
  }
  if (values.auth !== 'required') return undefined
  if (answerable.length === 0) {
    const problem = `the listener ${name} asks for a login, but no entry verifies logins`
    return { key: 'auth', problem, remedy: 'add an entry that does, or write auth: offered' }
  }
  if (!tls && !values.auth_without_tls) {
    const problem = `the listener ${name} asks for a login, which it does not offer without TLS`
    const remedy = 'give it tls: starttls, or write auth_without_tls: true'
    return { key: 'auth', problem, remedy }
  }
  return undefined
}

/** Limits without which we would be defenceless, or refuse what everybody may send. */
function mistakenLimit(values: ReceiverValues): OptionMistake | undefined {
  const { max_header: header, max_line: line } = values
  if (header < 1024) {
    const remedy = 'write a size of at least 1KB, such as 256KB; a header has to have a limit'
    return { key: 'max_header', problem: 'is too small for any mail', remedy }
  }
  // RFC 5321 §4.5.3.1.6.
  if (line > 0 && line < 1000) {
    const remedy = 'write 1000 or more, or 0 for no limit'
    return { key: 'max_line', problem: 'is shorter than the lines that everybody may send', remedy }
  }
  return undefined
}

/** Whether all that is to be switched off can be, and goes without the rest. */
function mistakenSwitch(values: ReceiverValues): OptionMistake | undefined {
  const key = 'extensions_off'
  const unknown = values.extensions_off.find((keyword) => !isExtension(keyword.toUpperCase()))
  if (unknown !== undefined) {
    return {
      key,
      problem: `there is no extension ${JSON.stringify(unknown)}`,
      remedy: `write some of ${extensions.join(', ')}`,
    }
  }
  const off = switchedOff(values)
  if (off.includes('STARTTLS') && values.starttls === 'required') {
    return {
      key,
      problem: 'switches STARTTLS off, but starttls says that it is required',
      remedy: 'take it out of the list, or write starttls: off',
    }
  }
  // RFC 6531 §3.1.
  if (off.includes('8BITMIME') && !off.includes('SMTPUTF8')) {
    return {
      key,
      problem: 'switches 8BITMIME off, without which there is no SMTPUTF8',
      remedy: 'write [8BITMIME, SMTPUTF8]',
    }
  }
  return undefined
}
