import { posix } from 'node:path'
import { parseSync, Visitor, type ESTree } from 'vite'
import type { Complaint } from './complaint.ts'
import { folderOf, isTypeScript, type Tree } from './tree.ts'

/** One `import … from`, `export … from`, `import()` or `import('…').Type`. */
export interface ImportLine {
  readonly specifier: string
  /** The imported file's path from the root when the specifier is relative. */
  readonly target: string | undefined
  /** Erased before the program runs: costs nothing and ties nothing at run time. */
  readonly typeOnly: boolean
  readonly line: number
}

/** A TypeScript file, parsed; the rules ask it and never look at text by themselves. */
export interface SourceFile {
  readonly path: string
  readonly lineCount: number
  readonly program: ESTree.Program
  readonly comments: readonly { readonly text: string; readonly line: number }[]
  readonly imports: readonly ImportLine[]
  complain(node: { readonly start: number }, problem: string, remedy: string): Complaint
}

/** Every .ts file of the tree, parsed. A file that does not parse is left to the compiler. */
export function parseTree(tree: Tree): readonly SourceFile[] {
  return [...tree]
    .filter(([path]) => isTypeScript(path))
    .map(([path, text]) => parseSource(path, text))
}

export function parseSource(path: string, text: string): SourceFile {
  const { program, comments } = parseSync(path, text)
  const lineOf = lineFinder(text)
  return {
    path,
    lineCount: text.split('\n').length - 1,
    program,
    comments: comments.map(({ value, start }) => ({ text: value, line: lineOf(start) })),
    imports: importsOf(path, program, lineOf),
    complain: (node, problem, remedy) => ({
      file: path,
      line: lineOf(node.start),
      problem,
      remedy,
    }),
  }
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    const after = starts.findIndex((start) => start > offset)
    return after === -1 ? starts.length : after
  }
}

function importsOf(
  path: string,
  program: ESTree.Program,
  lineOf: (offset: number) => number,
): readonly ImportLine[] {
  const found: ImportLine[] = []
  const add = (source: { value: string; start: number }, typeOnly: boolean): void => {
    const relative = source.value.startsWith('.')
    found.push({
      specifier: source.value,
      target: relative ? posix.join(folderOf(path), source.value) : undefined,
      typeOnly,
      line: lineOf(source.start),
    })
  }
  new Visitor({
    ImportDeclaration(node) {
      const allTypes =
        node.specifiers.length > 0 &&
        node.specifiers.every(
          (part) => part.type === 'ImportSpecifier' && part.importKind === 'type',
        )
      add(node.source, node.importKind === 'type' || allTypes)
    },
    ExportNamedDeclaration(node) {
      if (node.source === null) return
      const allTypes =
        node.specifiers.length > 0 && node.specifiers.every((part) => part.exportKind === 'type')
      add(node.source, node.exportKind === 'type' || allTypes)
    },
    ExportAllDeclaration(node) {
      add(node.source, node.exportKind === 'type')
    },
    ImportExpression({ source }) {
      if (source.type === 'Literal' && typeof source.value === 'string') {
        add({ value: source.value, start: source.start }, false)
      }
    },
    TSImportType(node) {
      add(node.source, true)
    },
  }).visit(program)
  return found
}
