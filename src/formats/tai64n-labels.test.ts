import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseTai64n } from './tai64n.ts'
import { Tai64nLabels } from './tai64n-labels.ts'

test('labels only grow, even where the clock is set back, and say the time where it goes on', () => {
  const times = fc.array(fc.integer({ min: 0, max: 4_000_000_000_000 }), { maxLength: 200 })
  fc.assert(
    fc.property(times, (all) => {
      const labels = new Tai64nLabels()
      let last = ''
      let latest = 0
      for (const time of all) {
        const label = labels.at(time)
        expect(label > last).toBe(true)
        const said = { epochMs: time, nanoseconds: 0 }
        expect(time > latest ? parseTai64n(label) : said).toEqual(said)
        latest = Math.max(latest, time)
        last = label
      }
    }),
  )
})

test('a moment has room for any number of lines', () => {
  const labels = new Tai64nLabels()
  const made = Array.from({ length: 30_000 }, () => labels.at(1_000_000_000_000))
  expect(made).toEqual(made.toSorted())
  expect(new Set(made).size).toBe(made.length)
})
