/**
 * The word among `words` that was probably meant, for "did you mean"; undefined if none is near.
 * @param most letters that may differ; a third of them, or one, where absent
 */
export function nearest(
  word: string,
  words: Iterable<string>,
  most: number = Math.max(1, Math.floor(Math.min(word.length, 64) / 3)),
): string | undefined {
  const lower = word.slice(0, 64).toLowerCase()
  let best: string | undefined
  let least = most + 1
  for (const candidate of words) {
    const distance = editDistance(lower, candidate.slice(0, 64).toLowerCase())
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** Insertions, deletions, replacements and neighbours that changed places, between two short words. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(
        Math.min(
          (previous[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          replaced,
          swapped ? (before[j - 2] ?? 0) + 1 : Infinity,
        ),
      )
    }
    before = previous
    previous = row
  }
  return previous[b.length] ?? 0
}
