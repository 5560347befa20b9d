/**
 * Who may import whom. The table is the house plan of src/README.md, said once more so that it can
 * be checked; a new room gets a row here and a paragraph there.
 */
import type { Complaint } from './complaint.ts'
import type { ImportLine, SourceFile } from './source-file.ts'
import { isTest } from './tree.ts'

interface Room {
  /** Rooms it may import from, at run time too. */
  readonly uses: readonly string[]
  /** Rooms of which it may see the types only: the class behind them is introduced by compose. */
  readonly sees?: readonly string[]
}

const ground = ['mail', 'formats', 'runtime']
const everything = [
  ...ground,
  'plugin',
  'queue',
  'filter',
  'smtp',
  'qmtp',
  'pop3',
  'delivery',
  'quarantine',
  'alerts',
  'telemetry',
  'config',
  'workers',
  'control',
  'admin',
  'trace',
  'tools',
]

const rooms: ReadonlyMap<string, Room> = new Map<string, Room>([
  ['mail', { uses: [] }],
  ['formats', { uses: ['mail'] }],
  ['runtime', { uses: ['mail'] }],
  ['plugin', { uses: ground }],
  ['queue', { uses: ground }],
  ['filter', { uses: [...ground, 'plugin'] }],
  ['trace', { uses: [...ground, 'plugin', 'filter'] }],
  ['smtp', { uses: ground, sees: ['plugin', 'queue'] }],
  // A second front of the receiver: packets in, and from there on the same transaction.
  ['qmtp', { uses: [...ground, 'smtp'], sees: ['queue'] }],
  // Who may come in is counted as for SMTP.
  ['pop3', { uses: [...ground, 'smtp'], sees: ['plugin', 'queue'] }],
  ['delivery', { uses: ground, sees: ['plugin', 'queue'] }],
  ['quarantine', { uses: ground, sees: ['plugin', 'queue'] }],
  ['alerts', { uses: ground }],
  ['telemetry', { uses: [...ground, 'plugin'], sees: ['filter'] }],
  ['config', { uses: [...ground, 'plugin'] }],
  ['workers', { uses: [...ground, 'plugin'], sees: ['filter', 'queue'] }],
  ['control', { uses: ground }],
  ['admin', { uses: [...ground, 'control'], sees: ['trace'] }],
  ['rehearsal', { uses: [...everything, 'testkit'] }],
  [
    'cli',
    { uses: [...ground, 'control', 'config', 'tools', 'rehearsal', 'main.ts'], sees: ['trace'] },
  ],
  ['testkit', { uses: [...everything, 'compose.ts'] }],
  ['tools', { uses: [...everything, 'compose.ts'] }],
  ['compose.ts', { uses: [...everything, 'rehearsal'] }],
  ['main.ts', { uses: everything }],
  ['admin.worker.ts', { uses: [...everything, 'rehearsal'] }],
  ['supervisor.worker.ts', { uses: [...everything, 'main.ts'] }],
  ['deliverer.worker.ts', { uses: everything }],
  ['owner.worker.ts', { uses: everything }],
  ['gateway.worker.ts', { uses: [...everything, 'compose.ts'] }],
])

/** Interfaces between siblings: a type-only import of them is right from anywhere. */
const interfaces = new Set(['src/smtp/policy.ts', 'src/queue/queue.ts', 'src/control/control.ts'])

/** What runs in a browser: of the rest of the house it sees the shapes that the API sends, and no code. */
const pages = 'src/admin/ui/'
const pageShapes = 'src/admin/schemas/'

/** Libraries that only one folder of src/ may know. */
const libraryHomes: readonly (readonly [library: RegExp, home: string])[] = [
  [/^@?fastify(?:\/|$)/, 'src/admin/'],
  [/^commander$/, 'src/cli/'],
  [/^(?:@?preact|uplot)(?:\/|$)/, pages],
  [/^yaml$/, 'src/config/'],
]

/** What package.json declares; an import of anything else works by luck. */
export interface Packages {
  readonly dependencies: ReadonlySet<string>
  readonly devDependencies: ReadonlySet<string>
}

export function checkImports(
  files: readonly SourceFile[],
  packages: Packages,
): readonly Complaint[] {
  return files.flatMap((file) =>
    file.imports.flatMap((line) => {
      const objection =
        objectionToPackage(file.path, line, packages) ??
        (file.path.startsWith('src/') ? objectionInSource(file.path, line) : undefined) ??
        (file.path.startsWith('plugins/') ? objectionInPlugin(file.path, line) : undefined)
      if (objection === undefined) return []
      const [problem, remedy] = objection
      return [{ file: file.path, line: line.line, problem, remedy }]
    }),
  )
}

type Objection = readonly [problem: string, remedy: string]

function objectionToPackage(
  path: string,
  { specifier, target }: ImportLine,
  packages: Packages,
): Objection | undefined {
  if (target !== undefined || specifier.startsWith('node:') || specifier.startsWith('postern/')) {
    return undefined
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const declared =
    packages.dependencies.has(name) || (isTool(path) && packages.devDependencies.has(name))
  return declared
    ? undefined
    : [
        `imports the package ${name}, which is not a dependency`,
        isTool(path)
          ? 'Declare it in package.json with an exact version'
          : 'Declare it under dependencies in package.json; built-in modules are written node:…',
      ]
}

/**
 * Files that run on a developer's machine only may use the development dependencies; so may the pages, which
 * are built there and run in a browser.
 */
function isTool(path: string): boolean {
  return isTest(path) || !path.includes('/') || path.startsWith(pages)
}

function objectionInSource(path: string, line: ImportLine): Objection | undefined {
  const home = libraryHomes.find(([library]) => library.test(line.specifier))?.[1]
  if (home !== undefined && !path.startsWith(home) && !isTest(path)) {
    return [`imports ${line.specifier} outside ${home}`, `Ask ${home} for what you need`]
  }
  if (line.specifier.startsWith('postern/')) {
    return [`imports ${line.specifier}`, 'Inside src/ write the relative path']
  }
  const { target } = line
  if (target === undefined) return undefined
  if (isTest(path) && /^(?:test|src\/testkit)\//.test(target)) return undefined
  if (!target.startsWith('src/')) {
    return [`imports ${target}`, 'src/ stands on its own: move the thing into a room']
  }
  return (
    objectionToPage(path, target, line.typeOnly) ?? objectionToRoom(path, target, line.typeOnly)
  )
}

function objectionToPage(path: string, target: string, typeOnly: boolean): Objection | undefined {
  const [from, to] = [path.startsWith(pages), target.startsWith(pages)]
  if (from && !to && !(typeOnly && target.startsWith(pageShapes))) {
    return [`a page imports ${target}`, `Pages see the types of ${pageShapes} and nothing else`]
  }
  if (to && !from)
    return [`imports ${target}`, 'The pages are built by themselves: nobody runs them here']
  return undefined
}

function objectionToRoom(path: string, target: string, typeOnly: boolean): Objection | undefined {
  const from = roomOf(path)
  const to = roomOf(target)
  if (from === to) return undefined
  const room = rooms.get(from)
  if (room === undefined) {
    return [
      `stands in src/${from}, which is no room of the house`,
      'Move it, or add the room to test/tidy/rooms.ts and src/README.md',
    ]
  }
  if (room.uses.includes(to) || (typeOnly && interfaces.has(target))) return undefined
  if (room.sees?.includes(to) === true) {
    if (typeOnly || isTest(path)) return undefined
    return [
      `${from} imports ${target} at run time`,
      `${from} may see only the types of ${to}: write 'import type', and let src/compose.ts bring the object`,
    ]
  }
  return [
    `${from} imports ${target}`,
    isTest(path)
      ? `A unit test of ${from} stays in its room; one that spans rooms lives under test/`
      : `${from} may import ${room.uses.join(', ') || 'nothing of ours'}: take what you need by the constructor and let src/compose.ts bring it`,
  ]
}

/** `src/queue/log.ts` → `queue`, `src/compose.ts` → `compose.ts`. */
function roomOf(path: string): string {
  return path.split('/')[1] ?? path
}

function objectionInPlugin(path: string, line: ImportLine): Objection | undefined {
  const { specifier, target } = line
  if (specifier.startsWith('postern/')) {
    if (specifier === 'postern/plugin') return undefined
    if (specifier === 'postern/testkit' && isTest(path)) return undefined
    return [
      `imports ${specifier}`,
      "A plugin imports 'postern/plugin'; its test also 'postern/testkit'",
    ]
  }
  if (target === undefined) return undefined
  if (target.startsWith(`${pluginFolder(path)}/`) || target.startsWith('plugins/shared/')) {
    return undefined
  }
  if (target.startsWith('plugins/') && target.endsWith('/findings.ts')) return undefined
  return [
    `imports ${target}`,
    "A plugin imports 'postern/plugin', its own folder, plugins/shared/ and the findings.ts of others",
  ]
}

/** `plugins/greylist/x/y.ts` → `plugins/greylist`; local and shared are one level deeper. */
export function pluginFolder(path: string): string {
  const parts = path.split('/')
  return parts.slice(0, parts[1] === 'local' || parts[1] === 'shared' ? 3 : 2).join('/')
}
