import type { Complaint } from './complaint.ts'
import type { SourceFile } from './source-file.ts'
import { isTest, isTypeScript, type Tree } from './tree.ts'

/** Told whole, whether somebody asks just now or not: what the API sends, and what pages are put together of. */
const wholeKits = ['src/admin/schemas/', 'src/admin/ui/parts/']

/**
 * What a file exports is for others: a function, a class or a value that no other file names, tests included, is dead or
 * nobody else's affair. Types are left alone: they stand beside the function that takes them.
 */
export function checkUnusedExports(tree: Tree, files: readonly SourceFile[]): readonly Complaint[] {
  const namedIn = countFiles(tree)
  return files
    .filter(({ path }) => /^(?:src|plugins)\//.test(path) && !isTest(path))
    .filter(({ path }) => !wholeKits.some((kit) => path.startsWith(kit)))
    .flatMap((file) =>
      exportedValues(file).flatMap(({ name, start }) =>
        (namedIn.get(name) ?? 0) > 1
          ? []
          : [
              file.complain(
                { start },
                `exports ${name}, which no other file names`,
                'Keep it to this file, or remove it',
              ),
            ],
      ),
    )
}

/** In how many files each word stands. */
function countFiles(tree: Tree): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const [path, text] of tree) {
    if (!isTypeScript(path)) continue
    for (const word of new Set(text.match(/[A-Za-z_$][\w$]*/g))) {
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
  }
  return counts
}

function exportedValues({
  program,
}: SourceFile): readonly { readonly name: string; readonly start: number }[] {
  return program.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration') return []
    const { declaration, start } = statement
    switch (declaration?.type) {
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        return declaration.id === null ? [] : [{ name: declaration.id.name, start }]
      case 'VariableDeclaration':
        return declaration.declarations.flatMap(({ id }) =>
          id.type === 'Identifier' ? [{ name: id.name, start }] : [],
        )
      default:
        return []
    }
  })
}
