import { describe, expect, test } from 'vitest'
import { isPermanent, isSuccess, isTransient, objectionCode, stages } from './status.ts'

describe('the reply code of an objection', () => {
  test.each([
    ['connect', 421, 554],
    ['hello', 450, 550],
    ['auth', 454, 535],
    ['mail', 451, 550],
    ['rcpt', 451, 550],
    ['data', 451, 554],
    ['message', 451, 550],
  ] as const)('at %s is %d or %d', (stage, defer, reject) => {
    expect(objectionCode({ stage, status: '4.7.1', close: false })).toBe(defer)
    expect(objectionCode({ stage, status: '5.7.1', close: false })).toBe(reject)
  })

  test.each(stages)('at %s follows a status of sizes and storage', (stage) => {
    expect(objectionCode({ stage, status: '5.3.4', close: false })).toBe(552)
    expect(objectionCode({ stage, status: '4.3.4', close: false })).toBe(452)
    expect(objectionCode({ stage, status: '5.2.2', close: false })).toBe(552)
    expect(objectionCode({ stage, status: '4.3.1', close: false })).toBe(452)
    expect(objectionCode({ stage, status: '4.5.3', close: false })).toBe(452)
  })

  test('is 421 when a temporary one ends the session', () => {
    expect(objectionCode({ stage: 'rcpt', status: '4.7.1', close: true })).toBe(421)
    expect(objectionCode({ stage: 'rcpt', status: '4.5.3', close: true })).toBe(421)
    expect(objectionCode({ stage: 'rcpt', status: '5.7.1', close: true })).toBe(550)
  })
})

describe('the status of an objection', () => {
  test.each(['4.7.0', '4.7.999', '5.10.1'])('may be %s', (text) => {
    expect(isTransient(text) || isPermanent(text)).toBe(true)
  })

  test.each(['2.0.0', '3.0.0', '4', '5.1', '5.1.', '5.1.1.1', '5.1000.1', ' 5.1.1', '5.1.1\n'])(
    'is not %j',
    (text) => {
      expect(isTransient(text) || isPermanent(text)).toBe(false)
    },
  )

  test('is temporary or permanent by its class', () => {
    expect([isTransient('4.2.0'), isTransient('5.2.0'), isTransient('4.2')]).toEqual([
      true,
      false,
      false,
    ])
    expect([isPermanent('5.2.0'), isPermanent('4.2.0'), isPermanent('5x')]).toEqual([
      true,
      false,
      false,
    ])
  })
})

describe('the status of a success', () => {
  test.each(['2.0.0', '2.1.5', '2.10.999'])('may be %s', (text) => {
    expect(isSuccess(text)).toBe(true)
  })

  test.each(['4.0.0', '5.0.0', '2', '2.0', '2.0.0.0', '20.0.0', '2.1000.0'])(
    'is not %j',
    (text) => {
      expect(isSuccess(text)).toBe(false)
    },
  )
})
