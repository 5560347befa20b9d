export interface DiffLine {
  readonly kind: 'added' | 'removed' | 'place' | 'same'
  readonly line: string
}

/** The lines of a unified diff; what stands before the first place only names the files, and is left out. */
export function diffLines(text: string): readonly DiffLine[] {
  const lines = text.replace(/\n$/, '').split('\n')
  const start = lines.findIndex((line) => line.startsWith('@@'))
  return lines.slice(Math.max(0, start)).map((line) => ({ kind: kindOf(line), line }))
}

function kindOf(line: string): DiffLine['kind'] {
  if (line.startsWith('+')) return 'added'
  if (line.startsWith('-')) return 'removed'
  return line.startsWith('@@') || line.startsWith('\\') ? 'place' : 'same'
}
