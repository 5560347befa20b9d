import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readSerialMessage } from './serial-message.ts'

const read = (text: string, prefix = 'autoturn-') => {
  const found = readSerialMessage(Buffer.from(text), prefix)
  return typeof found === 'string' ? found : { ...found, message: String(found.message) }
}

const head = 'Return-Path: <a@b.test>\nDelivered-To: AutoTurn-bob@dial.test\n'

test('what a virtual domain delivered is read as it was sent', () => {
  expect(read(`${head}Received: x\n\nhello\n`)).toEqual({
    reversePath: { localPart: 'a', domain: 'b.test' },
    recipient: { localPart: 'bob', domain: 'dial.test' },
    message: 'Received: x\n\nhello\n',
  })
  expect(read('Return-Path: <>\nDelivered-To: c d@dial.test\n', '')).toMatchObject({
    reversePath: null,
    recipient: { localPart: 'c d' },
    message: '',
  })
  expect(read('Return-Path: <"x y"@b.test>\nDelivered-To: c@d.test\n', '')).toMatchObject({
    reversePath: { localPart: 'x y', domain: 'b.test' },
  })
})

test.each([
  ['', /does not begin with Return-Path/],
  ['Return-Path: <a@b.test>', /does not begin with Return-Path/],
  ['Return-Path: a@b.test\nDelivered-To: autoturn-c@d.test\n', /does not begin/],
  ['Return-Path: <a@b.test>\nSubject: x\n', /second line is no Delivered-To/],
  ['Return-Path: <a@b.test>\nDelivered-To: bob@dial.test\n', /does not begin with the prefix/],
  ['Return-Path: <a@b.test>\nDelivered-To: autoturn-\n', /recipient is no mail address/],
  ['Return-Path: <a b>\nDelivered-To: autoturn-c@d.test\n', /sender is no mail address/],
  [`Return-Path: <${'a'.repeat(3000)}@b.test>\n`, /does not begin/],
])('%j is not for this host', (text, problem) => {
  expect(read(text)).toMatch(problem)
})

test('no file is too strange for it', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (bytes, prefix) => {
      const whole = Buffer.concat([Buffer.from(head), bytes])
      expect(read(whole.toString('latin1'))).toBeTypeOf('object')
      readSerialMessage(bytes, prefix)
    }),
  )
})
