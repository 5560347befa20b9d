/**
 * Builds dist/app: all that runs, as JavaScript with its declarations, in the folders that it has in the checkout, so that
 * every relative path stays right. npm, Debian and Docker packages hold it. Node never strips types below node_modules.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('..', import.meta.url))

/** Copied as they are. */
const copied = ['bin', 'config', 'LICENSE', 'README.md', 'CHANGELOG.md']
/** Beside the code: pages of plugins, programs in other languages. */
const codeFolders = ['src', 'plugins']
/** Files of ours that are named by their URL: threads, workers, the contract. */
const ownUrl = /new URL\(\s*(['"])(\.[^'"]*)\.ts\1,\s*import\.meta\.url,?\s*\)/g
/** What is left of them, however it is written, would look for a file that no package has. */
const leftOver = /['"]\.{1,2}\/[^'"\n]*\.ts['"]/

export interface BuiltApp {
  readonly folder: string
  readonly version: string
}

/** @param folder what is in it is replaced. @throws Error where a program fails */
export function buildApp(folder: string = join(checkout, 'dist/app')): BuiltApp {
  rmSync(folder, { recursive: true, force: true })
  const node = process.execPath
  const tool = (path: string, ...args: readonly string[]): void => {
    execFileSync(node, [join(checkout, 'node_modules', path), ...args], {
      cwd: checkout,
      stdio: 'inherit',
    })
  }
  tool('typescript/bin/tsc', '-p', 'packaging/tsconfig.json', '--outDir', folder)
  for (const code of codeFolders) {
    rewriteUrls(join(folder, code))
    copyOthers(join(checkout, code), join(folder, code))
  }
  for (const name of copied) cpSync(join(checkout, name), join(folder, name), { recursive: true })
  buildPages(tool, folder)
  const manifest = appManifest()
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return { folder, version: manifest.version }
}

interface Manifest {
  readonly version: string
  readonly [key: string]: unknown
}

function packageJson(): Manifest & {
  readonly dependencies: Readonly<Record<string, string>>
} {
  return JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
}

/** As a package of its own, for who installs the folder and not a tarball. */
function appManifest(): Manifest {
  const { name, version, description, license, type, bin, dependencies, optionalDependencies } =
    packageJson()
  const entry = (room: string): object => {
    return { types: `./src/${room}/index.d.ts`, default: `./src/${room}/index.js` }
  }
  const exports = { './plugin': entry('plugin'), './testkit': entry('testkit') }
  return {
    name,
    version,
    description,
    license,
    type,
    bin,
    exports,
    dependencies,
    optionalDependencies,
  }
}

/** tsc rewrites what is imported, not what is named by a URL. */
function rewriteUrls(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue
    const path = join(folder, name)
    const text = readFileSync(path, 'utf8')
    const changed = text.replaceAll(ownUrl, 'new URL($1$2.js$1, import.meta.url)')
    for (const [, , target] of text.matchAll(ownUrl)) {
      const file = join(dirname(path), `${target}.js`)
      if (!existsSync(file)) throw new Error(`${path} names ${file}, which was not built`)
    }
    const [left] = leftOver.exec(changed) ?? []
    if (left !== undefined) throw new Error(`${path} still names ${left}`)
    if (changed !== text) writeFileSync(path, changed)
  }
}

/** All that is no TypeScript, and not the source of the pages. */
function copyOthers(from: string, to: string): void {
  for (const item of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = join(item.parentPath, item.name)
    const name = path.slice(from.length + 1)
    if (!item.isFile() || /\.tsx?$/.test(name) || name.startsWith('admin/ui/')) continue
    mkdirSync(dirname(join(to, name)), { recursive: true })
    cpSync(path, join(to, name))
  }
}

/** The administration's pages, where the checkout has them: dist/ui, beside the application's src/. */
function buildPages(
  tool: (path: string, ...args: readonly string[]) => void,
  folder: string,
): void {
  const source = join(checkout, 'src/admin/ui')
  if (!existsSync(source)) return
  tool('vite/bin/vite.js', 'build', source, '--logLevel', 'warn')
  cpSync(join(checkout, 'dist/ui'), join(folder, 'dist/ui'), { recursive: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { folder, version } = buildApp()
  process.stdout.write(`Postern ${version} is built in ${folder}\n`)
}
