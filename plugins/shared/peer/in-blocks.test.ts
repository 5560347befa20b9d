import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inBlocks } from './in-blocks.ts'

async function* each(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}

test('small pieces go out together, large ones by themselves, and no byte is lost or moved', async () => {
  const sizes = [4, 20_000, 4, 70_000, 1, 65_000, 600, 0]
  const blocks = await Array.fromAsync(inBlocks(each(sizes.map((size) => Buffer.alloc(size, 1)))))
  expect(blocks.map(({ length }) => length)).toEqual([20_008, 70_000, 65_001, 600])
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 90_000 })), async (pieces) => {
      const out = Buffer.concat(await Array.fromAsync(inBlocks(each(pieces))))
      expect(out.equals(Buffer.concat(pieces))).toBe(true)
    }),
    { numRuns: 20 },
  )
})

test('nothing is nothing', async () => {
  expect(await Array.fromAsync(inBlocks(each([])))).toEqual([])
})
