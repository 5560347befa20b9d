import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatOrder, readOrder } from './owner-order.ts'

const ascii = fc.string({ unit: 'binary-ascii', maxLength: 60 })
const addresses = fc.record({
  user: ascii,
  home: ascii,
  local: ascii,
  dash: ascii,
  extension: ascii,
  host: ascii,
  sender: ascii,
})
const environments = fc
  .array(fc.tuple(fc.string(), fc.string()), { maxLength: 5 })
  .map((pairs) => new Map(pairs))

test('an order is read as it was written', () => {
  const limits = fc.option(
    fc.nat().map((mostProcesses) => ({ mostProcesses })),
    { nil: {} },
  )
  fc.assert(
    fc.property(
      addresses,
      ascii,
      environments,
      limits,
      (address, defaultDelivery, environment, limit) => {
        const order = { address, defaultDelivery, environment, ...limit }
        expect(readOrder(formatOrder(order))).toEqual(order)
      },
    ),
  )
})

test('bytes that are UTF-8 are text, as on a command line', () => {
  const address = { user: 'j', home: '/h', local: 'jÃ¶', dash: '', extension: '' }
  const order = { address: { ...address, host: 'h', sender: '' }, defaultDelivery: '' }
  const read = readOrder(formatOrder({ ...order, environment: new Map() }))
  expect(read?.address.local).toBe('jö')
})

test('whatever else comes is no order', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        expect(readOrder(bytes)).toBeUndefined()
      },
    ),
  )
})
