import { expect, test, vi } from 'vitest'
import { hostProcess } from './process.ts'

const { setPriority } = vi.hoisted(() => ({
  setPriority: vi.fn<() => void>(() => {
    throw Object.assign(new Error('operation not permitted'), { code: 'ERR_SYSTEM_ERROR' })
  }),
}))
vi.mock('node:os', async (original) => ({ ...(await original()), setPriority }))

test('a process that may not give way to others goes on without, as under a filter of system calls', () => {
  expect(() => hostProcess.giveWay()).not.toThrow()
  expect(setPriority).toHaveBeenCalled()
})
