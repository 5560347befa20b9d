/** `delivery.destinations`: what one next hop may have at most, by its name; `default` is for all others. */
import type { JsonValue } from '../mail/json.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import { isMap, type Reading } from './reading.ts'

/** What one next hop may have at most. */
const destinationShape = {
  concurrency: optional(option.integer({ min: 1, description: 'Deliveries at a time' })),
  rate: optional(
    option.string({ maxLength: 32, description: 'Deliveries begun, such as 100/min or 5/s' }),
  ),
} as const

/** Absent keys were not given. */
export interface DestinationConfiguration {
  readonly concurrency?: number
  /** Between the starts of two deliveries, with fractions. */
  readonly intervalMs?: number
}

const path = ['delivery', 'destinations'] as const

export function readDestinations(
  reading: Reading,
  given: JsonValue | undefined,
): ReadonlyMap<string, DestinationConfiguration> {
  if (given === undefined || given === null) return new Map()
  if (!isMap(given)) {
    reading.mistake(
      path,
      'is not a map',
      'write the next hops as name: { concurrency: 5, rate: 100/min }',
    )
    return new Map()
  }
  return new Map(
    Object.entries(given).map(([name, written]) => [
      name.toLowerCase(),
      readDestination(reading, name, written),
    ]),
  )
}

function readDestination(
  reading: Reading,
  name: string,
  written: JsonValue,
): DestinationConfiguration {
  const values = reading.section([...path, name], destinationShape, written)
  const { concurrency, rate } = values ?? {}
  const intervalMs = rate === undefined ? undefined : intervalOf(rate)
  if (rate !== undefined && intervalMs === undefined) {
    const remedy = 'write so many in a time: 5/s, 100/min or 2000/h'
    reading.mistake([...path, name, 'rate'], `'${rate}' is not a rate`, remedy)
  }
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(intervalMs === undefined ? {} : { intervalMs }),
  }
}

const unitMs: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['min', 60_000],
  ['h', 3_600_000],
])

/** @returns milliseconds between two */
function intervalOf(rate: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,9})\/(s|min|h)$/.exec(rate) ?? []
  const every = unitMs.get(unit)
  return every === undefined || Number(count) === 0 ? undefined : every / Number(count)
}
