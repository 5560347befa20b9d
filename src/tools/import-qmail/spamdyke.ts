/** spamdyke in front of qmail-smtpd: each of its options as an entry of the chain, a rule of the lists, or a word about it. */
import { programOf } from '../../formats/run-script/service-line.ts'
import type { SpamdykeValue } from '../../formats/spamdyke.ts'
import type { JsonValue } from '../../mail/json.ts'
import { dnsLists, earlyTalker, greylist, logins, mfcheck, names } from './spamdyke-entries.ts'
import { badrcptto, lists } from './spamdyke-lists.ts'
import { SpamdykeOptions, type SpamdykeRequest } from './spamdyke-options.ts'
import { spamdykeRemark } from './spamdyke-remarks.ts'
import type { Sourced, WrittenEntry } from './written-config.ts'

export interface ImportedSpamdyke {
  readonly entries: readonly WrittenEntry[]
  /** Of the listener. */
  readonly keys: ReadonlyMap<string, Sourced>
  readonly receiver: ReadonlyMap<string, Sourced>
}

export function importSpamdyke(request: SpamdykeRequest): ImportedSpamdyke {
  const keys = new Map<string, Sourced>()
  const receiver = new Map<string, Sourced>()
  if (programOf(request.service.line, 'spamdyke') === undefined) {
    return { entries: [], keys, receiver }
  }
  const options = new SpamdykeOptions(request)
  const parts = [earlyTalker, names, dnsLists, lists, logins, mfcheck, badrcptto, greylist]
  const entries = parts.flatMap((part) => part(options))
  tellRelaying(options)
  putLimits(options, receiver)
  putTls(options, keys)
  tellOthers(options)
  return { entries, keys, receiver }
}

/** What becomes nothing that is written. */
function tellOthers({ left, findings }: SpamdykeOptions): void {
  for (const [name, values] of left) {
    const { outcome, remark, to } = spamdykeRemark(name)
    for (const { value, source } of values) {
      const what = `spamdyke ${name}${shown(name, value)}`
      if (outcome === 'unsupported') findings.unsupported(what, source, remark)
      else findings.difference(what, source, { remark, ...(to === undefined ? {} : { to }) })
    }
  }
}

function shown(name: string, value: string): string {
  return value === ''
    ? ''
    : name.includes('password') && !name.endsWith('-file')
      ? '=***'
      : `=${value}`
}

function tellRelaying(options: SpamdykeOptions): void {
  const { findings } = options
  for (const { value, source } of options.take('relay-level')) {
    const what = `spamdyke relay-level=${value}`
    if (value === 'allow-all') {
      findings.dangerous(what, source, 'an open relay: it is left out')
    } else if (value === 'normal' || value === 'no-check') {
      findings.mapped(what, source, 'rcpthosts, relay-clients')
    } else
      findings.unsupported(what, source, 'take the entry relay-clients away, so that nobody relays')
  }
  for (const { value, source } of options.take('filter-level')) {
    const what = `spamdyke filter-level=${value}`
    if (value === 'normal') continue
    const remark =
      value === 'require-auth'
        ? 'write receiver: { auth: required } at the listener'
        : value === 'allow-all'
          ? 'nothing was filtered: the entries that follow refuse; postern disable, or mode: shadow, for each'
          : 'nothing was taken'
    findings.unsupported(what, source, remark)
  }
  for (const each of options.take('access-file')) {
    options.say(
      `access-file=${each.value}`,
      each,
      'tcp.smtp',
      'the rules are those that tcpserver is told of',
    )
  }
  for (const each of [
    ...options.take('local-domains-file'),
    ...options.take('local-domains-entry'),
  ]) {
    const isSame = each.value === '/var/qmail/control/rcpthosts'
    const remark = isSame ? undefined : 'domains of ours are those of control/rcpthosts alone'
    options.say(`local domains ${each.value}`, each, 'rcpthosts', remark)
  }
}

function putLimits(options: SpamdykeOptions, receiver: Map<string, Sourced>): void {
  const most = options.number('max-recipients')
  if (most !== undefined) {
    put({ options, map: receiver }, 'max_recipients', most.number, {
      ...most,
      value: `max-recipients=${most.number}`,
    })
  }
  const idle = options.number('idle-timeout-secs')
  if (idle !== undefined) {
    const value = `idle-timeout-secs=${idle.number}`
    put({ options, map: receiver }, 'command_timeout', `${idle.number}s`, { ...idle, value })
  }
}

function putTls(options: SpamdykeOptions, keys: Map<string, Sourced>): void {
  const level = options.last('tls-level')
  const [certificate, key] = [
    options.last('tls-certificate-file'),
    options.last('tls-privatekey-file'),
  ]
  if (level !== undefined) {
    const value = `tls-level=${level.value}`
    const mode =
      level.value === 'smtps' ? 'implicit' : level.value === 'none' ? undefined : 'starttls'
    if (mode === 'implicit') put({ options, map: keys }, 'tls', mode, { ...level, value })
    else
      options.say(value, level, 'tls', mode ? undefined : 'STARTTLS is offered; tls: off does not')
  }
  const path = certificate && options.files.refer(certificate.value, 'tls', certificate.source)
  const keyPath = key === undefined ? path : options.files.refer(key.value, 'tls', key.source)
  if (certificate === undefined || path === undefined || keyPath === undefined) return
  const value = `tls-certificate-file=${certificate.value}`
  put({ options, map: keys }, 'certificate', path, { ...certificate, value })
  keys.set('key', {
    value: keyPath,
    from: key === undefined ? 'the same file' : 'tls-privatekey-file',
  })
}

interface Place {
  readonly options: SpamdykeOptions
  readonly map: Map<string, Sourced>
}

function put({ options, map }: Place, key: string, value: JsonValue, from: SpamdykeValue): void {
  map.set(key, { value, from: from.value })
  options.say(from.value, from, key)
}
