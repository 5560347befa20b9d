import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DnsList } from './dns-list.ts'
import { weightOf, type Hit, type PanelAnswer } from './list-panel.ts'
import { isClear, weighed, type Scales } from './scales.ts'

interface Case {
  readonly answer: PanelAnswer
  readonly allow: readonly DnsList[]
}

const said = fc.constantFrom('hit', 'clear', 'failed', 'resting')
const written = fc.record({
  weight: fc.integer({ min: -3, max: 3 }),
  allows: fc.boolean(),
  says: said,
})

/** A panel of up to six lists; no list of good clients has a hit. */
const panels: fc.Arbitrary<Case> = fc.array(written, { maxLength: 6 }).map((lists) => {
  const all = lists.map((list, index) => ({ ...list, base: `l${index}.test` }))
  const which = (says: string) => all.filter((list) => list.says === says)
  const hits = which('hit').filter(({ allows }) => !allows)
  return {
    answer: { hits: hits.map(hitOf), failed: which('failed'), resting: which('resting') },
    allow: all.filter(({ allows }) => allows),
  }
})

function hitOf(list: DnsList): Hit {
  return { list, codes: ['127.0.0.2'] }
}

/** What would be decided had each list that was not heard held it, or not: all ways, with the score of each. */
function allWays({ answer, allow }: Case, unheard: readonly DnsList[], threshold: number) {
  const ways = new Set<string>()
  for (let mask = 0; mask < 2 ** unheard.length; mask++) {
    const held = unheard.filter((_, index) => (mask & (1 << index)) !== 0)
    const excused = held.some((list) => allow.includes(list))
    const weight = weightOf([...answer.hits, ...held.map(hitOf)])
    ways.add(!excused && weight >= threshold ? 'refused' : `let in, ${excused ? 0 : weight}`)
  }
  return ways
}

describe('the scales of several DNS lists', () => {
  test('decide only what holds whatever the lists that were not heard would have said', () => {
    const onFaults = fc.constantFrom<Scales['onFault']>('pass', 'defer', 'reject', 'quarantine')
    const thresholds = fc.integer({ min: 1, max: 6 })
    fc.assert(
      fc.property(
        panels,
        thresholds,
        fc.boolean(),
        onFaults,
        (panel, threshold, scores, onFault) => {
          const { answer, allow } = panel
          const resting = onFault === 'pass' ? [] : answer.resting
          const ways = allWays(panel, [...answer.failed, ...resting], threshold)
          const outcomes = new Set([...ways].map((way) => way.split(',')[0]))
          const sure = scores ? ways.size === 1 : outcomes.size === 1
          const expected = outcomes.has('let in') ? 'let in' : 'refused'
          const comes = weighed(answer, { threshold, scores, onFault, allow })
          expect(comes).toBe(
            outcomes.size === 1 && (sure || expected === 'refused') ? expected : 'unknown',
          )
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('call clear what nobody lists and everybody was heard about', () => {
    const list = { base: 'a.test', weight: 1 }
    const clear: PanelAnswer = { hits: [], failed: [], resting: [] }
    expect(isClear(clear)).toBe(true)
    expect(isClear({ ...clear, hits: [hitOf(list)] })).toBe(false)
    expect(isClear({ ...clear, failed: [list] })).toBe(false)
    expect(isClear({ ...clear, resting: [list] })).toBe(false)
  })
})
