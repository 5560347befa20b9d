/**
 * What spamdyke is told (spamdyke.org, versions 4 and 5): `option=value` lines in files, `--option value` on its command line.
 * Of most options all values count; `!value` takes one back, `!!!` all of them.
 */

/** One value of an option, and where it was given. */
export interface SpamdykeValue {
  readonly value: string
  readonly source: string
}

export interface SpamdykeFiles {
  /** Its text, or undefined where it cannot be read. */
  readonly read: (path: string) => string | undefined
  /** As findings name it. */
  readonly source: string
}

export interface SpamdykeReading {
  /** By the name of the option, in the order of their first appearance. */
  readonly options: ReadonlyMap<string, readonly SpamdykeValue[]>
  /** Files that are named with config-file and cannot be read. */
  readonly missing: readonly SpamdykeValue[]
}

/** Files may name each other. */
const mostFiles = 50

const letters: ReadonlyMap<string, string> = new Map([
  ['f', 'config-file'],
  ['t', 'connection-timeout-secs'],
  ['x', 'dns-blacklist-entry'],
  ['L', 'full-log-dir'],
  ['g', 'graylist-dir'],
  ['M', 'graylist-max-secs'],
  ['m', 'graylist-min-secs'],
  ['e', 'greeting-delay-secs'],
  ['T', 'idle-timeout-secs'],
  ['B', 'ip-blacklist-file'],
  ['k', 'ip-in-rdns-keyword-blacklist-file'],
  ['W', 'ip-whitelist-file'],
  ['d', 'local-domains-file'],
  ['a', 'max-recipients'],
  ['u', 'policy-url'],
  ['b', 'rdns-blacklist-dir'],
  ['w', 'rdns-whitelist-file'],
  ['S', 'recipient-blacklist-file'],
  ['X', 'rhs-blacklist-entry'],
  ['s', 'sender-blacklist-file'],
])
/** Those whose value is part of the same word, or missing. */
const optional: ReadonlyMap<string, string> = new Map([
  ['l', 'log-level'],
  ['r', 'reject-empty-rdns'],
  ['c', 'reject-ip-in-cc-rdns'],
  ['R', 'reject-unresolvable-rdns'],
])
const takesNothing = new Set([
  ...optional.values(),
  'reject-missing-sender-mx',
  'reject-identical-sender-recipient',
  'config-test',
  'help',
  'more-help',
  'version',
])

/** @param args of spamdyke, up to the program that it starts */
export function readSpamdyke(args: readonly string[], files: SpamdykeFiles): SpamdykeReading {
  const options = new Map<string, SpamdykeValue[]>()
  const missing: SpamdykeValue[] = []
  const put = (name: string, value: string, source: string): void => {
    const key = name
      .replace(/^greylist/, 'graylist')
      .replace(/^rejection-text-greylist/, 'rejection-text-graylist')
    const before = options.get(key) ?? []
    if (value === '!!!') options.delete(key)
    else if (value.startsWith('!')) {
      options.set(
        key,
        before.filter((each) => each.value !== value.slice(1)),
      )
    } else {
      before.push({ value, source })
      options.set(key, before)
    }
  }
  for (const [name, value] of argumentsOf(args)) put(name, value, files.source)
  // What files say comes behind the command line, and a file behind the one that names it.
  const seen = new Set<string>()
  for (;;) {
    const next = (options.get('config-file') ?? []).find(({ value }) => !seen.has(value))
    if (next === undefined || seen.size >= mostFiles) break
    seen.add(next.value)
    const text = files.read(next.value)
    if (text === undefined) missing.push(next)
    for (const [index, written] of (text ?? '').split('\n').entries()) {
      const line = written.trim()
      if (line === '' || line.startsWith('#')) continue
      const [, name = line, value = ''] = /^([^\s=]+)\s*(?:=\s*(.*))?$/s.exec(line) ?? []
      put(name, value, `${next.value}:${index + 1}`)
    }
  }
  return { options: new Map([...options].filter(([, values]) => values.length > 0)), missing }
}

function* argumentsOf(args: readonly string[]): Generator<readonly [string, string]> {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    const [, long, joined] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? []
    const next = args[at + 1]
    if (long !== undefined) {
      const takesNext = joined === undefined && !takesNothing.has(long)
      yield [long, joined ?? (takesNext ? (next ?? '') : '')]
      if (takesNext) at++
      continue
    }
    const letter = arg.startsWith('-') ? arg.slice(1, 2) : ''
    const name = letters.get(letter)
    if (name === undefined) yield [optional.get(letter) ?? arg, arg.slice(2)]
    else {
      yield [name, arg.slice(2) || (next ?? '')]
      if (arg.length === 2) at++
    }
  }
}

/** The lines of a file of addresses or names, without comments. */
export function spamdykeLines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

/** A network as `192.0.2.0/24`; undefined for ranges within an octet, which no network is. */
export function spamdykeNetwork(text: string): string | undefined {
  const [, address = '', mask] = /^(\d+(?:\.\d+){0,3})\.?(?:\/([\d.]+))?$/.exec(text) ?? []
  const octets = address.split('.').map(Number)
  if (address === '' || octets.some((octet) => !(octet <= 255))) {
    return undefined
  }
  const whole = [...octets, 0, 0, 0].slice(0, 4).join('.')
  const bits = mask === undefined ? 8 * octets.length : bitsOf(mask)
  return bits === undefined ? undefined : `${whole}/${bits}`
}

function bitsOf(mask: string): number | undefined {
  if (/^\d+$/.test(mask)) return Number(mask) <= 32 ? Number(mask) : undefined
  const octets = mask.split('.').map(Number)
  if (octets.length !== 4 || octets.some((octet) => !(octet <= 255))) return undefined
  const binary = octets.map((octet) => octet.toString(2).padStart(8, '0')).join('')
  return /^1*0*$/.test(binary) ? binary.replaceAll('0', '').length : undefined
}
