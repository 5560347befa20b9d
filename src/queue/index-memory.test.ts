import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../test/bench/index-memory.ts', import.meta.url))

describe('outside the active set a queued message costs', () => {
  let cost: { readonly fresh: number; readonly deferred: number }

  beforeAll(() => {
    const args = ['--expose-gc', '--conditions=source', script, '50000']
    cost = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
  })

  test('300 bytes where nobody has tried it', () => {
    expect(cost.fresh).toBeGreaterThan(50)
    expect(cost.fresh).toBeLessThan(300)
  })

  test('500 bytes where a next hop has deferred it, however much that had to say', () => {
    expect(cost.deferred).toBeLessThan(500)
  })
})
