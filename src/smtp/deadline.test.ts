import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { Deadline } from './deadline.ts'

function deadline() {
  const clock = fakeClock()
  const passed: number[] = []
  const subject = new Deadline(clock, () => void passed.push(clock.monotonicMs()))
  return { clock, passed, subject }
}

describe('a deadline', () => {
  test('passes once, when its time has come', () => {
    const { clock, passed, subject } = deadline()
    subject.move(100)
    clock.advance(99)
    expect(passed).toEqual([])
    clock.advance(1_000)
    expect(passed).toEqual([100])
  })

  test('that is moved away passes at its new time, over one timer', () => {
    const { clock, passed, subject } = deadline()
    subject.move(100)
    for (let times = 0; times < 50; times++) {
      clock.advance(90)
      subject.move(100)
      expect(clock.pending).toBe(1)
    }
    expect(passed).toEqual([])
    clock.advance(100)
    expect(passed).toEqual([50 * 90 + 100])
  })

  test('that is moved nearer passes then', () => {
    const { clock, passed, subject } = deadline()
    subject.move(1_000)
    subject.move(100)
    clock.advance(100)
    expect(passed).toEqual([100])
  })

  test('that is suspended does not pass until it is moved again', () => {
    const { clock, passed, subject } = deadline()
    subject.move(100)
    subject.suspend()
    clock.advance(1_000)
    expect(passed).toEqual([])
    subject.move(100)
    clock.advance(100)
    expect(passed).toEqual([1_100])
  })

  test('that is cancelled leaves no timer', () => {
    const { clock, passed, subject } = deadline()
    subject.move(100)
    subject.cancel()
    expect(clock.pending).toBe(0)
    clock.advance(1_000)
    expect(passed).toEqual([])
  })
})
