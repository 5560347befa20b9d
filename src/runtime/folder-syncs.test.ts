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
    const ask = (i: number): void => void folders.sync('/a').then(() => done.push(i))
    ask(0)
    await turn()
    for (let i = 1; i < 5; i++) ask(i)
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

  test('are one for all who ask for it in the same breath, the first included', async () => {
    const { folders, syncs, turn } = stage()
    const asked = [folders.sync('/a'), folders.sync('/a'), folders.sync('/a')]
    await turn()
    syncs[0]?.end()
    await Promise.all(asked)
    expect(syncs).toHaveLength(1)
  })

  test('are one for all who came before its turn', async () => {
    const turns: (() => void)[] = []
    let syncs = 0
    const folders = new FolderSyncs({
      syncDirectory: async () => void syncs++,
      async inTurn(work) {
        await new Promise<void>((resolve) => turns.push(resolve))
        await work()
      },
    })
    const asked = [folders.sync('/a')]
    await new Promise((resolve) => setImmediate(resolve))
    asked.push(folders.sync('/a'), folders.sync('/a'))
    turns[0]?.()
    await Promise.all(asked)
    expect(syncs).toBe(1)
  })

  test('that fail are told to those who waited for them, and to nobody after', async () => {
    const { folders, syncs, turn } = stage()
    const first = folders.sync('/a')
    await turn()
    const second = folders.sync('/a')
    await turn()
    syncs[0]?.end(new PosternError('DISK_FAILED'))
    await expect(first).rejects.toMatchObject({ code: 'DISK_FAILED' })
    await turn()
    syncs[1]?.end()
    await second
    const third = folders.sync('/a')
    await turn()
    syncs[2]?.end()
    await third
    expect(syncs).toHaveLength(3)
  })

  test('resolve only after a sync that began later than they were asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('ask', 'ask and go on', 'end'), { maxLength: 40 }),
        async (steps) => {
          const { folders, syncs, turn } = stage()
          const begunWhenAsked: number[] = []
          const ended = new Set<number>()
          const broken: string[] = []
          for (const step of [...steps, 'end', 'end', 'end']) {
            if (step !== 'end') {
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
            if (step !== 'ask and go on') await turn()
          }
          expect(broken).toEqual([])
          expect(syncs.length).toBeLessThanOrEqual(begunWhenAsked.length)
          expect(ended.size).toBe(syncs.length)
        },
      ),
    )
  })
})
