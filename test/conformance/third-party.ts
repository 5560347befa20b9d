/**
 * Other projects' test data, read where it lies and never copied: beside the checkout, or where POSTERN_VECTORS says.
 * Where it is missing the tests over it are skipped, and say so, in CI too: no package brings it, and none of it is ours to keep.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const beside = fileURLToPath(new URL('../../../shared/vectors', import.meta.url))
const root = `${process.env['POSTERN_VECTORS'] ?? beside}/third-party`

/** Notes on the programs of the qmail world, beside the vectors. */
export const notesRoot = join(process.env['POSTERN_VECTORS'] ?? beside, '../spec')

export const vectorsAreMissing = !existsSync(root)

if (vectorsAreMissing) process.stderr.write(`skipped: no third-party vectors in ${root}\n`)

/** The text of one file, named from `third-party/`. */
export function readVectors(name: string): string {
  return readFileSync(`${root}/${name}`, 'utf8')
}

/** The path of a folder of files, named likewise. */
export function folderOf(name: string): string {
  return `${root}/${name}`
}
