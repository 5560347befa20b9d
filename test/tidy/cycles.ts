import type { Complaint } from './complaint.ts'
import type { ImportLine, SourceFile } from './source-file.ts'

/**
 * Import cycles, type-only imports included: two files that need each other are one idea in two
 * places. Each cycle is reported once, at the import that closes it.
 */
export function checkCycles(files: readonly SourceFile[]): readonly Complaint[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const finished = new Set<string>()
  const complaints: Complaint[] = []

  function visit(file: SourceFile, trail: readonly string[]): void {
    if (finished.has(file.path)) return
    const here = [...trail, file.path]
    for (const line of file.imports) {
      const target = line.target === undefined ? undefined : byPath.get(line.target)
      if (target === undefined) continue
      const start = here.indexOf(target.path)
      if (start === -1) visit(target, here)
      else complaints.push(closing(file, line, [...here.slice(start), target.path]))
    }
    finished.add(file.path)
  }

  for (const file of files) visit(file, [])
  return complaints
}

function closing(file: SourceFile, { line }: ImportLine, cycle: readonly string[]): Complaint {
  return {
    file: file.path,
    line,
    problem: `closes an import cycle: ${cycle.join(' → ')}`,
    remedy: 'Move what both need into a file of its own',
  }
}
