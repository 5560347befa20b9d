/** Why a plugin does not load, for its author: the file and line that are to be changed, not those of whoever loads it. */
import { basename, dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mistake } from '../plugin/mistake.ts'
import type { Disk } from '../runtime/disk.ts'
import { errorDetail } from './fault.ts'

const mostOfSource = 1 << 20
const anyRemedy = 'repair the file; npx tsc --noEmit shows all that is wrong with it'

/** @param file of the plugin, which may have imported the one that is wrong */
export async function loadMistake(
  error: unknown,
  file: string,
  disk: Pick<Disk, 'readFile'>,
): Promise<Mistake> {
  return (
    (await missingImport(error, disk)) ?? {
      ...placeOf(error, file),
      problem: `does not load: ${errorDetail(error)}`,
      remedy: remedyOf(error),
    }
  )
}

/** Node says who imports it in words only, and the stack is that of its own resolver. */
async function missingImport(
  error: unknown,
  disk: Pick<Disk, 'readFile'>,
): Promise<Mistake | undefined> {
  const said = /^Cannot find (module|package) '([^'\n]+)' imported from (\/[^\n]+)$/m.exec(
    error instanceof Error ? error.message : '',
  )
  const [, kind, name = '', importer = ''] = said ?? []
  if (kind === undefined) return undefined
  const line = await lineWith(importer, kind === 'module' ? basename(name) : name, disk)
  return {
    file: importer,
    ...(line === undefined ? {} : { line }),
    problem: `does not load: it imports ${name}, which is not there`,
    remedy: remedyForImport(kind, name, importer),
  }
}

function remedyForImport(kind: string, name: string, importer: string): string {
  if (kind === 'package')
    return `install it beside the plugin: npm install, in ${dirname(importer)}`
  return extname(name) === '' ? `write its ending, such as ${basename(name)}.ts` : 'put it there'
}

async function lineWith(
  file: string,
  word: string,
  disk: Pick<Disk, 'readFile'>,
): Promise<number | undefined> {
  try {
    const text = new TextDecoder().decode(await disk.readFile(file, mostOfSource))
    const index = text.split('\n').findIndex((line) => line.includes(word) && /['"]/.test(line))
    return index < 0 ? undefined : index + 1
  } catch {
    // The line is a courtesy: the mistake is told without it.
    return undefined
  }
}

function remedyOf(error: unknown): string {
  if (error instanceof ReferenceError && /^(?:require|module|exports) is not/.test(error.message)) {
    return "plugins are ES modules: write import { … } from 'postern/plugin', and export const"
  }
  if (!(error instanceof SyntaxError)) return anyRemedy
  if ('code' in error && error.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return 'write it in JavaScript: types are left out as they stand, and nothing is compiled'
  }
  const [, name] = /does not provide an export named '(\w+)'/.exec(error.message) ?? []
  return name === undefined
    ? anyRemedy
    : `write import type { ${name} } where it is a type, or a name that is exported`
}

/** Node writes the place of a syntax error above its stack, that of any other into it. */
function placeOf(error: unknown, file: string): { readonly file: string; readonly line?: number } {
  const stack = error instanceof Error ? String(error.stack ?? '').slice(0, 10_000) : ''
  const head = /^(\/[^\n]*|file:\/\/[^\n]*):(\d+)\n/.exec(stack)
  const at = head ?? /(?:at |\()((?:file:\/\/)?\/[^\s()]+):(\d+):\d+/.exec(stack)
  const [, where, line] = at ?? []
  if (where === undefined || where.includes('node_modules')) return { file }
  const [path = where] = where.split('?')
  return { file: path.startsWith('file:') ? fileURLToPath(path) : path, line: Number(line) }
}
