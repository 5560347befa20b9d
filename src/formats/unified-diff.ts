/** The difference of two texts, line by line, in the form that diff -u writes. */

const contextLines = 3
/** Beyond so many pairs of lines the middle is shown as replaced: a smaller difference is not worth the memory. */
const mostPairs = 4_000_000

export interface UnifiedDiff {
  /** Empty where nothing differs. */
  readonly text: string
  readonly added: number
  readonly removed: number
}

interface Line {
  readonly mark: ' ' | '-' | '+'
  readonly text: string
}

export function unifiedDiff(before: string, after: string, name: string): UnifiedDiff {
  const lines = markedLines(linesOf(before), linesOf(after))
  const added = lines.filter(({ mark }) => mark === '+').length
  const removed = lines.filter(({ mark }) => mark === '-').length
  if (added + removed === 0) return { text: '', added, removed }
  const hunks = hunksOf(lines)
  return { text: [`--- a/${name}`, `+++ b/${name}`, ...hunks, ''].join('\n'), added, removed }
}

/** A text that does not end with a line end has a last line of its own kind. */
function linesOf(text: string): readonly string[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') return lines.slice(0, -1)
  return [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`]
}

function markedLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  let start = 0
  const shorter = Math.min(before.length, after.length)
  while (start < shorter && before[start] === after[start]) start += 1
  let end = 0
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1
  const same = (lines: readonly string[]): readonly Line[] =>
    lines.map((text) => ({ mark: ' ', text }))
  return [
    ...same(before.slice(0, start)),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ]
}

/** By the longest common subsequence. */
function middle(before: readonly string[], after: readonly string[]): readonly Line[] {
  const gone = before.map((text): Line => ({ mark: '-', text }))
  const come = after.map((text): Line => ({ mark: '+', text }))
  if (before.length * after.length > mostPairs) return [...gone, ...come]
  const width = after.length + 1
  const lengths = new Uint32Array((before.length + 1) * width)
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const lines: Line[] = []
  let row = 0
  let column = 0
  while (row < before.length && column < after.length) {
    if (before[row] === after[column]) {
      lines.push({ mark: ' ', text: before[row] ?? '' })
      row += 1
      column += 1
    } else if (at(row + 1, column) >= at(row, column + 1)) lines.push(...gone.slice(row, ++row))
    else lines.push(...come.slice(column, ++column))
  }
  return [...lines, ...gone.slice(row), ...come.slice(column)]
}

function hunksOf(lines: readonly Line[]): readonly string[] {
  const changed = lines.flatMap(({ mark }, index) => (mark === ' ' ? [] : [index]))
  const spans: { from: number; to: number }[] = []
  for (const index of changed) {
    const last = spans.at(-1)
    if (last !== undefined && index - last.to <= 2 * contextLines) last.to = index + 1
    else spans.push({ from: index, to: index + 1 })
  }
  let oldLine = 1
  let newLine = 1
  let done = 0
  return spans.map(({ from, to }) => {
    const start = Math.max(0, from - contextLines)
    const shown = lines.slice(start, to + contextLines)
    const passed = lines.slice(done, start)
    oldLine += counted(passed, '+')
    newLine += counted(passed, '-')
    const oldCount = counted(shown, '+')
    const newCount = counted(shown, '-')
    const heading = `@@ -${range(oldLine, oldCount)} +${range(newLine, newCount)} @@`
    oldLine += oldCount
    newLine += newCount
    done = start + shown.length
    return [heading, ...shown.map(({ mark, text }) => `${mark}${text}`)].join('\n')
  })
}

/** How many lines have another mark than this one. */
function counted(lines: readonly Line[], without: Line['mark']): number {
  return lines.filter(({ mark }) => mark !== without).length
}

/** A range without lines is named by the line before it. */
function range(line: number, count: number): string {
  return count === 1 ? `${line}` : `${count === 0 ? line - 1 : line},${count}`
}
