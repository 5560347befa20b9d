import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import { FolderSyncs } from './folder-syncs.ts'

/** A disk whose syncs end when they are let go. */
function stage() {
  const syncs: { readonly path: string; end(error?: Error): void }[] = []
  const folders = new FolderSyncs({
    syncDirectory(path) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      syncs.push({ path, end: (error) => (error === undefined ? resolve() : reject(error)) })
      return promise
    },
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { folders, syncs, turn }
}

describe('the syncs of a folder', () => {
  test('are one for all who came while another was in flight', async () => {
    const { folders, syncs, turn } = stage()
    const done: number[] = []
    for (let i = 0; i < 5; i++) void folders.sync('/a').then(() => done.push(i))
    void folders.sync('/b').then(() => done.push(9))
    await turn()
    expect(syncs.map(({ path }) => path)).toEqual(['/a', '/b'])
    syncs[0]?.end()
    await turn()
    expect(done).toEqual([0])
    expect(syncs).toHaveLength(3)
    syncs[2]?.end()
    await turn()
    expect(done).toEqual([0, 1, 2, 3, 4])
  })

  test('that fail are told to those who waited for them, and to nobody after', async () => {
    const { folders, syncs, turn } = stage()
    const first = folders.sync('/a')
    const second = folders.sync('/a')
    await turn()
    syncs[0]?.end(new PosternError('DISK_FAILED'))
    await expect(first).rejects.toMatchObject({ code: 'DISK_FAILED' })
    await turn()
    syncs[1]?.end()
    await second
    const third = folders.sync('/a')
    syncs[2]?.end()
    await third
    expect(syncs).toHaveLength(3)
  })

  test('resolve only after a sync that began later than they were asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (steps) => {
        const { folders, syncs, turn } = stage()
        const begunWhenAsked: number[] = []
        const ended = new Set<number>()
        const broken: string[] = []
        for (const asks of [...steps, false, false, false]) {
          if (asks) {
            const begun = syncs.length
            begunWhenAsked.push(begun)
            void folders.sync('/a').then(() => {
              if (![...ended].some((at) => at >= begun)) broken.push(`asked at ${begun}`)
            })
          } else {
            const at = syncs.findIndex((_, index) => !ended.has(index))
            if (at >= 0) {
              ended.add(at)
              syncs[at]?.end()
            }
          }
          await turn()
        }
        expect(broken).toEqual([])
        expect(syncs.length).toBeLessThanOrEqual(begunWhenAsked.length)
        expect(ended.size).toBe(syncs.length)
      }),
    )
  })
})
