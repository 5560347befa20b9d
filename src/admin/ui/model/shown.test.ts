import { describe, expect, test } from 'vitest'
import { certificateState } from './certificate-state.ts'
import { counterfactualWords } from './counterfactual-words.ts'
import { diffLines } from './diff-lines.ts'
import { healthOf } from './entry-health.ts'
import { seriesOf, sumsOf } from './fold-now.ts'
import { askedFor, readFilters } from './message-filters.ts'
import { lookOf } from './outcomes.ts'
import { readQueueFilters, selectionOf, selectionWords } from './queue-filters.ts'
import { mayOpen, pagesFor } from './rights.ts'

describe('what is shown', () => {
  test('a diff leaves out the names of the files, not lines that look like them', () => {
    const text = '--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- an old rule\n+++ a new rule\n same\n'
    expect(diffLines(text)).toEqual([
      { kind: 'place', line: '@@ -1 +1 @@' },
      { kind: 'removed', line: '--- an old rule' },
      { kind: 'added', line: '+++ a new rule' },
      { kind: 'same', line: ' same' },
    ])
  })

  test('a counterfactual says what is known, and what is not', () => {
    expect(counterfactualWords({ without: 'a', known: true, outcome: 'accepted' })).toBe('accepted')
    expect(counterfactualWords({ without: 'a', known: false, unasked: 4 })).toBe(
      'not known, 4 entries were not asked',
    )
    expect(counterfactualWords({ without: 'a', known: false })).toBe('not known')
  })

  test('a word that nobody knows is shown as it is', () => {
    expect(lookOf('constructor')).toEqual({ word: 'constructor', tone: 'quiet', icon: 'dots' })
  })

  test('a certificate says when it ends', () => {
    const day = 86_400_000
    const at = 100 * day
    const words = [50, 110, 200].map(
      (end) => certificateState({ notBefore: 0, notAfter: end * day }, at).word,
    )
    expect(words).toEqual(['expired', 'expires soon', 'valid'])
    expect(certificateState({ notBefore: 101 * day, notAfter: 300 * day }, at).word).toBe(
      'not valid yet',
    )
  })

  test('an entry whose breaker is open does not answer', () => {
    const numbers = { asked: 10, objected: 0, would: 0, faults: 3 }
    const entry = {
      name: 'dnsbl',
      plugin: 'dnsbl',
      mode: 'enforce',
      stages: [],
      first: false,
      conditional: false,
      options: {},
      numbers,
    } as const
    expect(healthOf({ ...entry, breaker: 'open' }).word).toBe('does not answer')
    expect(healthOf(entry).word).toBe('had faults')
    expect(healthOf({ ...entry, numbers: { ...numbers, faults: 0 } }).word).toBe('well')
    expect(healthOf({ ...entry, numbers: { ...numbers, recentFaults: 0 } }).word).toBe('well')
  })
})

describe('the figures of now', () => {
  const slice = {
    at: 10_000,
    accepted: 20,
    quarantined: 1,
    discarded: 10,
    refused: 5,
    deferred: 0,
    abandoned: 0,
  }
  const now = {
    at: 30_000,
    sliceMs: 10_000,
    slices: [slice, { ...slice, at: 20_000, accepted: 0 }],
    reasons: [],
    stale: false,
  }

  test('are per second, and count what was discarded as accepted', () => {
    expect(seriesOf(now).rates.accepted).toEqual([3, 1])
    expect(seriesOf(now).at).toEqual([10, 20])
  })

  test('name the last whole slice, and the sum of all', () => {
    expect(sumsOf(now).rates.accepted).toBe(3)
    expect(sumsOf(now).counts).toEqual({ accepted: 40, deferred: 0, refused: 10, held: 2 })
  })
})

describe('filters in the URL', () => {
  test('are read with their blanks trimmed, and nothing else is', () => {
    const query = new URLSearchParams('sender=+%40example.org+&reason=&evil=1&address=a%40b.test')
    expect(readFilters(query)).toEqual({ sender: '@example.org', address: 'a@b.test' })
  })

  test('become what the API understands', () => {
    expect(askedFor({ outcome: 'refused', within: '1h' }, 10_000_000)).toEqual({
      outcome: 'refused',
      since: 6_400_000,
    })
    expect(askedFor({ outcome: 'no such', within: 'no such' }, 0)).toEqual({})
  })

  test('of the queue become a selection, which is everything only where it says so', () => {
    expect(selectionOf(readQueueFilters(new URLSearchParams('')))).toEqual({ all: true })
    const filters = readQueueFilters(new URLSearchParams('domain=example.org&held=true'))
    expect(selectionOf(filters)).toEqual({ domain: 'example.org', held: true })
    expect(selectionWords(filters)).toBe('to example.org, on hold')
  })
})

describe('the navigation', () => {
  test('shows only what the role may do', () => {
    expect(pagesFor(['quarantine:read', 'quarantine:write']).map(({ name }) => name)).toEqual([
      'quarantine',
      'system',
    ])
  })

  test('offers one of several permissions as enough', () => {
    expect(mayOpen('chain', ['messages:read'])).toBe(false)
    expect(mayOpen('chain', ['messages:read', 'chain:read'])).toBe(true)
  })
})
