import type { Damaged, Entry } from './queue.ts'

type Listed = Entry | Damaged

/** One list of several that are each in the order of age; what is damaged follows the message it stood behind. */
export async function* oldestFirst(
  lists: readonly AsyncIterable<Listed>[],
): AsyncGenerator<Listed> {
  const iterators = lists.map((list) => list[Symbol.asyncIterator]())
  const heads = await Promise.all(iterators.map((iterator) => iterator.next()))
  try {
    for (;;) {
      const at = indexOfOldest(heads)
      const head = heads[at]
      if (head === undefined || head.done === true) return
      yield head.value
      const next = await iterators[at]?.next()
      if (next !== undefined) heads[at] = next
    }
  } finally {
    await Promise.all(iterators.map(async (iterator) => iterator.return?.()))
  }
}

/** Ids are compared, since they sort by age; a damaged record has none. @returns -1 when all are at their end */
function indexOfOldest(heads: readonly IteratorResult<Listed>[]): number {
  let oldest = -1
  let oldestId = ''
  for (const [index, { done, value }] of heads.entries()) {
    if (done === true) continue
    const id = 'damaged' in value ? '' : value.id
    if (oldest >= 0 && id >= oldestId) continue
    oldest = index
    oldestId = id
  }
  return oldest
}
