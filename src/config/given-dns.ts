/** What the DNS says in a policy test: written in its file, so that the test says the same tomorrow. */
import type { JsonValue } from '../mail/json.ts'
import type { MxRecord } from '../runtime/dns.ts'
import type { Path } from './document.ts'
import { isMap, type Reading } from './reading.ts'

export interface GivenName {
  readonly addresses?: readonly string[]
  readonly mx?: readonly MxRecord[]
  readonly txt?: readonly string[]
  readonly names?: readonly string[]
}

/** `none`: there is no such name. `fails`: nobody answers. */
export type GivenAnswer = GivenName | 'none' | 'fails'

/**
 * `real`: the name servers of the configuration are asked. Otherwise by name in lower case, or by address for its names;
 * `*.example.org` stands for every name below that has no entry of its own.
 */
export type GivenDnsZones = 'real' | ReadonlyMap<string, GivenAnswer>

const types = ['a', 'aaaa', 'mx', 'txt', 'ptr'] as const

export function readGivenDns(
  reading: Reading,
  given: JsonValue | undefined,
  path: Path,
): GivenDnsZones {
  if (given === 'real') return 'real'
  if (given === undefined || given === null) return new Map()
  if (!isMap(given)) {
    reading.mistake(path, 'is not a map of names', 'write { example.org: { a: [192.0.2.1] } }')
    return new Map()
  }
  return new Map(
    Object.entries(given).map(([name, value]) => [
      name.toLowerCase().replace(/\.$/, ''),
      readName(reading, value, [...path, name]),
    ]),
  )
}

function readName(reading: Reading, value: JsonValue, path: Path): GivenAnswer {
  if (value === 'none' || value === 'fails') return value
  if (!isMap(value)) {
    reading.mistake(path, 'is not what the DNS says', 'write { a: [192.0.2.1] }, none or fails')
    return 'none'
  }
  reading.unknownKeys(path, value, types)
  const texts = (type: (typeof types)[number]): readonly string[] =>
    reading
      .list([...path, type], typeof value[type] === 'string' ? [value[type]] : value[type])
      .map(String)
  const mx = texts('mx').map((text): MxRecord => {
    const [preference, exchange] = text.split(' ')
    if (exchange !== undefined && /^\d+$/.test(preference ?? '')) {
      return { exchange, preference: Number(preference) }
    }
    reading.mistake([...path, 'mx'], `'${text}' is no MX record`, "write '10 mx.example.org'")
    return { exchange: '', preference: 0 }
  })
  return {
    addresses: [...texts('a'), ...texts('aaaa')],
    mx,
    txt: texts('txt'),
    names: texts('ptr'),
  }
}
