/** The section `chain`: one entry for each place, in order. */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Conditions, ConditionShape } from '../plugin/condition.ts'
import type { WrittenAt } from '../plugin/mistake.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import type { EntryConfiguration } from './configuration.ts'
import type { Path } from './document.ts'
import { isMap, type Reading } from './reading.ts'

const entryShape = {
  plugin: option.string({ maxLength: 64 }),
  name: optional(option.string({ maxLength: 64, description: 'Where two entries use one plugin' })),
  mode: option.choice(['enforce', 'shadow', 'off'], { default: 'enforce' }),
  on_fault: optional(option.choice(['defer', 'pass', 'reject', 'quarantine'])),
  timeout: optional(option.duration()),
  refuse_at: optional(option.choice(['now', 'rcpt'])),
  first: option.boolean({ default: false, description: 'At `message`: alone, before the others' }),
} as const

/** `when` and `unless`. */
const conditionShape = {
  listener: optional(option.strings()),
  authenticated: optional(option.boolean()),
  relay_client: optional(option.boolean()),
  allowed: optional(option.boolean()),
  network: optional(option.networks()),
  environment: optional(option.strings()),
  recipient: optional(option.strings()),
  recipient_domain: optional(option.strings()),
} as const

const readElsewhere = ['when', 'unless', 'options']

/** @param place makes the place of an entry, for mistakes that show up later */
export function readChain(
  reading: Reading,
  given: JsonValue | undefined,
  place: (path: Path) => WrittenAt,
): readonly EntryConfiguration[] {
  return reading.list(['chain'], given).flatMap((item, index): readonly EntryConfiguration[] => {
    const path = ['chain', index]
    if (!isMap(item)) {
      reading.mistake(path, 'is not an entry', 'write "- plugin: name"')
      return []
    }
    const entry = readEntry(reading, item, path)
    return entry === undefined ? [] : [{ ...entry, place: place(path) }]
  })
}

function readEntry(
  reading: Reading,
  item: JsonObject,
  path: Path,
): Omit<EntryConfiguration, 'place'> | undefined {
  const values = reading.section(path, entryShape, item, readElsewhere)
  const when = readConditions(reading, item['when'], [...path, 'when'])
  const unless = readConditions(reading, item['unless'], [...path, 'unless'])
  if (values === undefined) return misread(item)
  const {
    plugin,
    name,
    mode,
    first,
    on_fault: onFault,
    timeout: timeoutMs,
    refuse_at: refuseAt,
  } = values
  return {
    plugin,
    name: name ?? plugin,
    mode,
    first,
    options: item['options'],
    ...(onFault === undefined ? {} : { onFault }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(refuseAt === undefined ? {} : { refuseAt }),
    ...(when === undefined ? {} : { when }),
    ...(unless === undefined ? {} : { unless }),
  }
}

/** An entry with mistakes is never put in force, but its plugin and its options can still be judged. */
function misread(item: JsonObject): Omit<EntryConfiguration, 'place'> | undefined {
  const { plugin, name, options } = item
  if (typeof plugin !== 'string') return undefined
  return {
    plugin,
    name: typeof name === 'string' ? name : plugin,
    mode: 'enforce',
    first: false,
    options,
  }
}

/** One condition, or a list of which one is enough. */
function readConditions(
  reading: Reading,
  given: JsonValue | undefined,
  path: Path,
): Conditions | undefined {
  if (!Array.isArray(given)) return readCondition(reading, given, path)
  return given.flatMap((item, index) => readCondition(reading, item, [...path, index]) ?? [])
}

function readCondition(
  reading: Reading,
  given: JsonValue | undefined,
  path: Path,
): ConditionShape | undefined {
  if (given === undefined || given === null) return undefined
  const values = reading.section(path, conditionShape, given)
  if (values === undefined) return undefined
  const {
    listener,
    authenticated,
    relay_client,
    allowed,
    network,
    environment,
    recipient,
    recipient_domain,
  } = values
  return {
    ...(listener === undefined ? {} : { listener }),
    ...(authenticated === undefined ? {} : { authenticated }),
    ...(relay_client === undefined ? {} : { relay_client }),
    ...(allowed === undefined ? {} : { allowed }),
    ...(network === undefined ? {} : { network: network.list }),
    ...(environment === undefined ? {} : { environment }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(recipient_domain === undefined ? {} : { recipient_domain }),
  }
}
