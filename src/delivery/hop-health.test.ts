import { describe, expect, test } from 'vitest'
import { deferredResult, deliveredResult, noAnswerResult } from '../testkit/courier-stage.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { HopHealth } from './hop-health.ts'

function stage() {
  const clock = fakeClock()
  const log = recordingLog()
  const hops = new HopHealth(clock, log)
  const fail = () => {
    hops.begin('h')
    hops.learn('h', [noAnswerResult], clock.monotonicMs())
  }
  return { clock, log, hops, fail }
}

describe('a next hop', () => {
  test('that does not answer is not called for a minute, then by one for all', () => {
    const { clock, hops, fail } = stage()
    expect(hops.verdict('h')).toBeUndefined()
    fail()
    expect(hops.verdict('h')).toMatchObject({ outcome: 'deferred', status: '4.4.1' })
    expect(hops.verdict('other')).toBeUndefined()
    clock.advance(59_999)
    expect(hops.verdict('h')).toBeDefined()
    clock.advance(1)
    expect(hops.verdict('h')).toBeUndefined()
    hops.begin('h')
    expect(hops.verdict('h')).toBeDefined()
    hops.learn('h', [deliveredResult], clock.monotonicMs())
    expect(hops.verdict('h')).toBeUndefined()
  })

  test('that stays away is called less and less often, at least once an hour', () => {
    const { clock, hops, fail } = stage()
    const pauses: number[] = []
    for (let i = 0; i < 9; i++) {
      fail()
      let minutes = 0
      for (; hops.verdict('h') !== undefined; minutes++) clock.advance(60_000)
      pauses.push(minutes)
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })

  test('never answers less often than the schedule of a single message asks', () => {
    const { clock, hops, fail } = stage()
    const born = clock.now()
    for (let i = 0; i < 40; i++) {
      clock.advance(Math.max(0, born + (i * 20) ** 2 * 1000 - clock.monotonicMs()))
      expect(hops.verdict('h')).toBeUndefined()
      fail()
    }
  })

  test('that says anything at all is up', () => {
    const { hops, fail, log, clock } = stage()
    fail()
    hops.learn('h', [deferredResult], clock.monotonicMs())
    expect(hops.verdict('h')).toBeUndefined()
    expect(log.events.map(({ event }) => event)).toEqual(['hop.down', 'hop.up'])
  })

  test('that fails ten deliveries at once has failed once', () => {
    const { clock, hops } = stage()
    const begunMs = clock.monotonicMs()
    clock.advance(1)
    for (let i = 0; i < 10; i++) hops.learn('h', [noAnswerResult], begunMs)
    clock.advance(60_000)
    expect(hops.verdict('h')).toBeUndefined()
  })

  test('is called again after its pause, though the clock has been set back meanwhile', () => {
    const clock = fakeClock()
    let setBackMs = 0
    const hops = new HopHealth({ ...clock, now: () => clock.now() - setBackMs }, recordingLog())
    hops.learn('h', [noAnswerResult], clock.monotonicMs())
    setBackMs = 31_536_000_000
    clock.advance(60_000)
    expect(hops.verdict('h')).toBeUndefined()
  })

  test('is called again where an operator says so', () => {
    const { hops, fail } = stage()
    fail()
    hops.forget()
    expect(hops.verdict('h')).toBeUndefined()
  })

  test('is forgotten where ten thousand others failed since', () => {
    const { hops, fail, clock } = stage()
    fail()
    for (let i = 0; i < 10_000; i++) hops.learn(`h${i}`, [noAnswerResult], clock.monotonicMs())
    expect(hops.verdict('h')).toBeUndefined()
    expect(hops.verdict('h1')).toBeDefined()
  })
})
