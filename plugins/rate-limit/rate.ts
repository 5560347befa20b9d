/** Rates as an operator writes them: `100/h`, `5/s`, `30/10min`, `2000/d`, `off`. */
import type { JsonValue, Option, Parsed } from 'postern/plugin'

export interface Rate {
  readonly limit: number
  readonly periodMs: number
}

const notation = /^(?<limit>\d{1,9})\/(?<times>[1-9]\d{0,3})?(?<unit>s|min|h|d)$/
const unitMs: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])
const longestMs = 31 * 86_400_000

/** @returns undefined for `off`, or `mistake` */
export function parseRate(text: string): Rate | undefined | 'mistake' {
  if (text === 'off') return undefined
  const { limit = '', times = '1', unit = '' } = notation.exec(text)?.groups ?? {}
  const periodMs = Number(times) * (unitMs.get(unit) ?? NaN)
  return periodMs <= longestMs ? { limit: Number(limit), periodMs } : 'mistake'
}

/** An option that takes such a rate. */
export function rateOption(text: Option<string>): Option<Rate | undefined> {
  return {
    ...text,
    type: 'rate, or off',
    parse(value: JsonValue, resources): Parsed<Rate | undefined> {
      const parsed = text.parse(value, resources)
      if (!parsed.ok) return parsed
      const rate = parseRate(parsed.value)
      return rate === 'mistake'
        ? {
            ok: false,
            problem: `${JSON.stringify(parsed.value)} is no rate`,
            remedy: 'write so many in a time: 5/s, 30/10min, 100/h or 2000/d; or off',
          }
        : { ok: true, value: rate }
    },
  }
}
