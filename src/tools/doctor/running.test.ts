import { describe, expect, test } from 'vitest'
import type { GatewayStatus } from '../supervisor-requests.ts'
import { examineGateway, examineSetAside } from './running.ts'

const status: GatewayStatus = {
  version: '1',
  pid: 7,
  startedAt: 0,
  uptimeMs: 0,
  folder: '/etc/postern',
  hostname: 'mx.test',
  admits: true,
  workers: [{ number: 1, state: 'open', shards: [0] }],
  listeners: [],
  queue: { messages: 0, delivering: 0, paused: [] },
  generation: 1,
}

describe('the doctor', () => {
  test.each([
    ['nothing', {}, []],
    [
      'a worker that is missing',
      { workers: [...status.workers, { number: 2, state: 'starting', shards: [1] }] },
      ['problem gateway does not run whole: worker 2'],
    ],
    ['a store that fails', { storeTrouble: 'SQLITE_FULL' }, ['problem store fails: SQLITE_FULL']],
    [
      'a log that nobody can write',
      { logTrouble: 'ENOSPC' },
      ['problem log cannot be written: ENOSPC'],
    ],
    [
      'a reload that was refused',
      { lastReload: { at: 0, ok: false, mistakes: [], needsRestart: [] } },
      [
        'warning configuration the one on the disk was not taken, and the one before it is in force',
      ],
    ],
  ] satisfies [string, Partial<GatewayStatus>, string[]][])(
    'finds %s in what a running gateway says',
    (_, said, found) => {
      const [first, ...others] = examineGateway('/etc/postern', { ...status, ...said })
      expect(first).toMatchObject({ state: 'well', says: expect.stringContaining('pid 7') })
      expect(others.map(({ state, about, says }) => `${state} ${about} ${says}`)).toEqual(found)
    },
  )

  test('names what was set aside as damaged', () => {
    expect(examineSetAside(['/var/store.db.damaged-1'])).toEqual([
      {
        about: 'store',
        state: 'warning',
        says: '/var/store.db.damaged-1 was damaged, and set aside: what it knew is forgotten',
        remedy: 'look at it, then: rm /var/store.db.damaged-1*',
      },
    ])
  })
})
