import { expect, test } from 'vitest'
import { giveWay } from './process.ts'

test('a process that may not give way to others goes on without, as under a filter of system calls', () => {
  const asked: (readonly number[])[] = []
  giveWay((...args: readonly number[]) => {
    asked.push(args)
    throw Object.assign(new Error('operation not permitted'), { code: 'ERR_SYSTEM_ERROR' })
  })
  // In the end for the process as a whole.
  expect(asked.at(-1)).toEqual([10])
})
