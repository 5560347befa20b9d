/** Options of spamdyke that become entries of the chain. */
import { spamdykeNetwork, type SpamdykeValue } from '../../formats/spamdyke.ts'
import type { JsonObject, JsonValue } from '../../mail/json.ts'
import { entry } from './chain-entry.ts'
import type { SpamdykeOptions } from './spamdyke-options.ts'
import type { WrittenEntry } from './written-config.ts'
import { saysYes } from './yes-men.ts'

/** Whoever logs in or is on a white list is not filtered. */
export const unfiltered = [{ authenticated: true }, { allowed: true }]

/** An entry that says which option it comes from. */
export function spamdykeEntry(
  plugin: string,
  from: string,
  options: Readonly<Record<string, JsonValue | undefined>>,
  settings: JsonObject = {},
): WrittenEntry {
  return entry(plugin, `spamdyke ${from}`, options, settings)
}

/** What stands in front of qmail-smtpd besides may have become entries of the same plugins. */
export function withSpamdyke(
  entries: readonly WrittenEntry[],
  more: readonly WrittenEntry[],
): readonly WrittenEntry[] {
  const there = new Set(entries.map(({ plugin }) => plugin))
  const named = more.map((each) =>
    there.has(each.plugin)
      ? { ...each, settings: { name: `${each.plugin}-spamdyke`, ...each.settings } }
      : each,
  )
  return [...entries, ...named]
}

export function earlyTalker(options: SpamdykeOptions): readonly WrittenEntry[] {
  const delay = options.number('greeting-delay-secs')
  if (delay === undefined) return []
  const from = `greeting-delay-secs=${delay.number}`
  const isLong = delay.number > 60
  options.say(from, delay, 'early-talker', isLong ? 'a minute is the most' : undefined)
  return [
    spamdykeEntry('early-talker', from, { delay: `${Math.min(delay.number, 60)}s`, refuse: true }),
  ]
}

export function names(options: SpamdykeOptions): readonly WrittenEntry[] {
  const nameless = options.isOn('reject-empty-rdns')
  const unresolvable = options.isOn('reject-unresolvable-rdns')
  if (nameless !== undefined) options.say('reject-empty-rdns', nameless, 'fcrdns')
  if (unresolvable !== undefined) {
    const remark = 'stricter: the name must lead back to this very address, not to any'
    options.say('reject-unresolvable-rdns', unresolvable, 'fcrdns', remark)
  }
  if (nameless === undefined && unresolvable === undefined) return []
  const from = unresolvable === undefined ? 'reject-empty-rdns' : 'reject-unresolvable-rdns'
  const refuse = unresolvable === undefined ? 'nameless' : 'unconfirmed'
  return [spamdykeEntry('fcrdns', from, { refuse }, { unless: unfiltered })]
}

export function dnsLists(options: SpamdykeOptions): readonly WrittenEntry[] {
  const [lists, allow] = [options.listed('dns-blacklist'), options.listed('dns-whitelist')]
  const domains = options.listed('rhs-blacklist')
  const entries: WrittenEntry[] = []
  const values = (given: readonly SpamdykeValue[]): readonly string[] => [
    ...new Set(given.map(({ value }) => value)),
  ]
  const remark = 'only answers in 127.0.0.0/8 count, and a list must answer its test entries'
  if (lists[0] !== undefined) {
    const from = 'dns-blacklist'
    options.say(`${from} ${values(lists).join(', ')}`, lists[0], 'dnsbl', remark)
    const more = allow.length === 0 ? undefined : values(allow)
    if (allow[0] !== undefined) {
      const only = 'whoever is in it is let past these lists, not past every filter'
      options.say(`dns-whitelist ${values(allow).join(', ')}`, allow[0], 'dnsbl: allow', only)
    }
    entries.push(
      spamdykeEntry('dnsbl', from, { lists: values(lists), allow: more, refuse: 'reject' }),
    )
  } else if (allow[0] !== undefined) {
    const why = 'there is no dns-blacklist whose word it could stand against'
    options.findings.unsupported('spamdyke dns-whitelist', allow[0].source, why)
  }
  if (domains[0] !== undefined) {
    options.say(`rhs-blacklist ${values(domains).join(', ')}`, domains[0], 'rhsbl', remark)
    entries.push(
      spamdykeEntry('rhsbl', 'rhs-blacklist', {
        lists: values(domains),
        refuse: 'reject',
        hello: false,
      }),
    )
  }
  return entries
}

export function logins(options: SpamdykeOptions): readonly WrittenEntry[] {
  const level = options.last('smtp-auth-level')
  const command = options.last('smtp-auth-command')
  const { findings } = options
  if (level !== undefined) {
    const what = `smtp-auth-level=${level.value}`
    if (level.value === 'none') {
      findings.unsupported(
        `spamdyke ${what}`,
        level.source,
        'logins are offered where an entry knows them',
      )
    } else {
      const remark =
        'logins are offered where an entry knows them, and need TLS unless auth_without_tls is set'
      options.say(what, level, 'checkpassword', remark)
    }
  }
  if (command === undefined) return []
  const what = `smtp-auth-command=${command.value}`
  const words = command.value.trim().split(/\s+/)
  if (saysYes(words)) {
    const remark =
      'whatever password is typed, the answer is yes: anybody may relay. Logins are not taken over'
    findings.dangerous(`spamdyke ${what}`, command.source, remark)
    return []
  }
  if (level === undefined || /^(?:none|observe)$/.test(level.value)) {
    findings.unsupported(
      `spamdyke ${what}`,
      command.source,
      'spamdyke asks it at other levels only',
    )
    return []
  }
  options.say(what, command, 'checkpassword')
  return [spamdykeEntry('checkpassword', what, { command: words })]
}

export function mfcheck(options: SpamdykeOptions): readonly WrittenEntry[] {
  const old = options.isOn('reject-missing-sender-mx')
  const wanted = options.take('reject-sender')
  const byMx = wanted.find(({ value }) => value === 'no-mx')
  for (const each of wanted) {
    if (each === byMx || each.value === 'none') continue
    const why = 'logins: the entry login-senders lets each send as itself; others: spf and dmarc'
    options.findings.unsupported(`spamdyke reject-sender=${each.value}`, each.source, why)
  }
  const remark = 'senders in domains of ours are asked about like all others'
  if (old !== undefined) options.say('reject-missing-sender-mx', old, 'mfcheck', remark)
  if (byMx !== undefined) options.say('reject-sender=no-mx', byMx, 'mfcheck', remark)
  if (old === undefined && byMx === undefined) return []
  const from = old === undefined ? 'reject-sender=no-mx' : 'reject-missing-sender-mx'
  return [spamdykeEntry('mfcheck', from, { level: '1' }, { unless: unfiltered })]
}

export function greylist(options: SpamdykeOptions): readonly WrittenEntry[] {
  const level = options.last('graylist-level')
  if (level === undefined || level.value === 'none') {
    return withoutGreylist(options, 'nothing: graylist-level is none')
  }
  const { findings } = options
  const what = `graylist-level=${level.value}`
  if (level.value.startsWith('only')) {
    const remark =
      'only clients of exceptions were asked to come back; say for whom with when: { network: [...] }'
    findings.unsupported(`spamdyke ${what}`, level.source, remark)
    return withoutGreylist(options, remark)
  }
  const [hold, lifetime] = [
    options.number('graylist-min-secs'),
    options.number('graylist-max-secs'),
  ]
  const exempt = options.listed('graylist-exception-ip')
  const networks = exempt.flatMap(({ value }) => spamdykeNetwork(value) ?? [])
  if (exempt[0] !== undefined) {
    const remark = `${networks.length} of ${exempt.length} are networks, and stand in unless`
    options.say('graylist-exception-ip', exempt[0], 'greylist: unless', remark)
  }
  const everybody = level.value.endsWith('create-dir')
    ? ''
    : 'every domain of ours has it, not only those with a folder; '
  const remark = `${everybody}refused at RCPT with 451, whoever is known already starts anew; the network of the client counts too, unless SPF vouches for the sender`
  options.say(what, level, 'greylist', remark)
  const more = networks.length === 0 ? unfiltered : [...unfiltered, { network: networks }]
  const text = options.last('rejection-text-graylist')?.value
  return [
    spamdykeEntry(
      'greylist',
      what,
      {
        hold: hold === undefined ? '0s' : `${hold.number}s`,
        lifetime: lifetime === undefined ? undefined : `${lifetime.number}s`,
        text,
      },
      { unless: more },
    ),
  ]
}

function withoutGreylist(options: SpamdykeOptions, remark: string): readonly WrittenEntry[] {
  for (const [name, [first]] of options.left) {
    if (!name.startsWith('graylist-') || first === undefined) continue
    options.take(name)
    options.findings.unsupported(`spamdyke ${name}`, first.source, remark)
  }
  return []
}
