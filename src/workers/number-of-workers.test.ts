import { expect, test } from 'vitest'
import { numberOfWorkers } from './number-of-workers.ts'

const gigabyte = 2 ** 30

test.each([
  [1, 16, 1],
  [2, 16, 2],
  [64, 256, 8],
  [8, 2, 4],
  [4, 0.25, 1],
])('auto is %d processors with %d GB: %d workers', (processors, gigabytes, workers) => {
  expect(numberOfWorkers('auto', { processors, memoryBytes: gigabytes * gigabyte })).toBe(workers)
})

test('a number of workers is what it says, whatever the host has', () => {
  expect(numberOfWorkers(12, { processors: 1, memoryBytes: gigabyte })).toBe(12)
})
