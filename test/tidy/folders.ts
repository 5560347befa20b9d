/** The plan of the house and of a plugin's folder, held against what is there. */
import { posix } from 'node:path'
import { Visitor } from 'vite'
import type { Complaint } from './complaint.ts'
import { pluginFolder } from './rooms.ts'
import type { SourceFile } from './source-file.ts'
import { isTest, type Tree } from './tree.ts'

const housePlan = 'src/README.md'

/** Every folder directly under src/ is named in src/README.md as `name/`. */
export function checkHousePlan(tree: Tree): readonly Complaint[] {
  const plan = tree.get(housePlan) ?? ''
  const rooms = new Set(
    [...tree.keys()].flatMap((path) => /^src\/([\w-]+)\//.exec(path)?.[1] ?? []),
  )
  return [...rooms]
    .filter((room) => !new RegExp(`(?<![\\w/-])(?:src/)?${room}/`).test(plan))
    .map((room) => ({
      file: housePlan,
      line: 1,
      problem: `does not name src/${room}/`,
      remedy: 'Say what the room is for and whom it may import',
    }))
}

/** A plugin is a folder with its code, its test and its page; exactly one plugin in it. */
export function checkPluginFolders(tree: Tree, files: readonly SourceFile[]): readonly Complaint[] {
  const folders = new Set(
    [...tree.keys()]
      .filter((path) =>
        /^plugins\/(?:(?:local|shared)\/)?(?!(?:local|shared)\/)[\w-]+\//.test(path),
      )
      .map(pluginFolder),
  )
  return [...folders].flatMap((folder) => {
    const inside = [...tree.keys()].filter((path) => path.startsWith(`${folder}/`))
    return folder.startsWith('plugins/shared/')
      ? checkEngine(folder, inside, files)
      : checkPlugin(folder, inside, files)
  })
}

function checkPlugin(
  folder: string,
  inside: readonly string[],
  files: readonly SourceFile[],
): readonly Complaint[] {
  const name = posix.basename(folder)
  const missing = [`${name}.ts`, `${name}.test.ts`, 'README.md']
    .map((part) => `${folder}/${part}`)
    .filter((path) => !inside.includes(path))
    .map((path) => ({
      file: path,
      line: 1,
      problem: 'is missing',
      remedy: `The folder of the plugin ${name} holds ${name}.ts, ${name}.test.ts and README.md`,
    }))
  const stray = definitions(folder, files).filter(
    ({ file }, index) => index > 0 || file !== `${folder}/${name}.ts`,
  )
  return [...missing, ...stray]
}

function checkEngine(
  folder: string,
  inside: readonly string[],
  files: readonly SourceFile[],
): readonly Complaint[] {
  const untested = inside.some((path) => path.endsWith('.test.ts'))
    ? []
    : [
        {
          file: folder,
          line: 1,
          problem: 'has no test',
          remedy: 'An engine that plugins share is tested by itself',
        },
      ]
  return [...untested, ...definitions(folder, files)]
}

function definitions(folder: string, files: readonly SourceFile[]): readonly Complaint[] {
  const found: Complaint[] = []
  for (const file of files) {
    if (!file.path.startsWith(`${folder}/`) || isTest(file.path)) continue
    new Visitor({
      CallExpression(node) {
        if (node.callee.type !== 'Identifier' || node.callee.name !== 'definePlugin') return
        found.push(
          file.complain(
            node,
            'defines a plugin here',
            'One plugin in each folder, in the file named as the folder, none in plugins/shared',
          ),
        )
      },
    }).visit(file.program)
  }
  return found
}
