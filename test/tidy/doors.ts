/**
 * The outside world has few doors, all in src/runtime. Whoever reads the clock, draws a random
 * number or opens a file without one cannot be tested in a simulated world; so the calls and the
 * modules are banned by name, and each ban says which door to take.
 */
import { Visitor, type ESTree } from 'vite'
import type { Complaint } from './complaint.ts'
import type { SourceFile } from './source-file.ts'
import { isTest } from './tree.ts'

const disk = 'Take the disk door (src/runtime/disk.ts)'
const net = 'Take the net door (src/runtime/net.ts)'
const clock = 'Take the clock door (src/runtime/clock.ts)'
const random = 'Take the random door (src/runtime/random.ts)'
const processDoor = 'Take the process door (src/runtime/process.ts)'
const jobs = 'Take the jobs door (src/runtime)'

const bannedModules: ReadonlyMap<string, string> = new Map([
  ['child_process', processDoor],
  ['cluster', processDoor],
  ['dgram', net],
  ['dns', 'Take the dns door (src/runtime/dns.ts)'],
  ['fs', disk],
  ['http', net],
  ['http2', net],
  ['https', net],
  ['net', `${net}; addresses are parsed with ipaddr.js`],
  ['process', processDoor],
  ['sqlite', 'Take the store door (src/runtime/store.ts)'],
  ['timers', clock],
  ['tls', net],
  ['worker_threads', jobs],
])

/** Calls of a global, or of a method of a global. `new Date` counts only without arguments. */
const bannedCalls: ReadonlyMap<string, string> = new Map([
  ['Date.now', clock],
  ['new Date', clock],
  ['performance.now', clock],
  ['process.hrtime', clock],
  ['setTimeout', clock],
  ['setInterval', clock],
  ['Math.random', random],
  ['fetch', net],
])

/** The functions of node:crypto and of the global crypto that draw random numbers. */
const randomSources = new Set([
  'getRandomValues',
  'randomBytes',
  'randomFillSync',
  'randomInt',
  'randomUUID',
])

type Ban = 'modules' | 'calls' | 'process'

/** What is not banned where: the doors themselves, the programs, and the fakes. */
const exceptions: readonly (readonly [prefix: string, lifted: readonly Ban[]])[] = [
  ['src/runtime/', ['modules', 'calls', 'process']],
  ['src/main.ts', ['modules', 'calls', 'process']],
  ['src/gateway.worker.ts', ['process']],
  ['src/supervisor.worker.ts', ['process']],
  ['src/deliverer.worker.ts', ['process']],
  ['src/admin.worker.ts', ['process']],
  ['src/owner.worker.ts', ['process']],
  ['src/cli/', ['process']],
  ['src/testkit/', ['calls', 'process']],
  // The pages run in a browser: its clock and its fetch are behind doors of their own.
  ['src/admin/ui/browser/', ['calls']],
]

export function checkDoors(files: readonly SourceFile[]): readonly Complaint[] {
  return files
    .filter(({ path }) => (path.startsWith('src/') || path.startsWith('plugins/')) && !isTest(path))
    .flatMap((file) => {
      const lifted = exceptions.find(([prefix]) => file.path.startsWith(prefix))?.[1] ?? []
      return [
        ...(lifted.includes('modules') ? [] : modulesOf(file, lifted)),
        ...callsOf(file, lifted),
      ]
    })
}

function modulesOf(file: SourceFile, lifted: readonly Ban[]): readonly Complaint[] {
  return file.imports.flatMap(({ specifier, line }) => {
    const name = specifier.replace(/^node:/, '').split('/')[0] ?? ''
    const remedy = bannedModules.get(name)
    if (remedy === undefined || (name === 'process' && lifted.includes('process'))) return []
    return [{ file: file.path, line, problem: `imports ${specifier}`, remedy }]
  })
}

function callsOf(file: SourceFile, lifted: readonly Ban[]): readonly Complaint[] {
  const own = boundNames(file.program)
  const found: Complaint[] = []
  const isGlobal = (node: ESTree.Expression | ESTree.Super, name?: string): boolean =>
    node.type === 'Identifier' && (name === undefined || node.name === name) && !own.has(node.name)

  const refuseCall = (node: ESTree.CallExpression | ESTree.NewExpression, name: string): void => {
    const remedy = bannedCalls.get(name)
    if (remedy !== undefined && !lifted.includes('calls')) {
      found.push(file.complain(node, `calls ${name}`, remedy))
    }
  }

  new Visitor({
    CallExpression(node) {
      const { callee } = node
      if (callee.type === 'Identifier' && isGlobal(callee)) refuseCall(node, callee.name)
      const name = calledName(callee)
      if (name !== undefined && randomSources.has(name) && !lifted.includes('calls')) {
        const drawsItself =
          callee.type === 'Identifier' ||
          (callee.type === 'MemberExpression' && /crypto$/i.test(nameOf(callee.object)))
        if (drawsItself) found.push(file.complain(node, `calls ${name}`, random))
      }
      if (callee.type === 'MemberExpression' && isGlobal(callee.object)) {
        refuseCall(node, `${nameOf(callee.object)}.${name ?? ''}`)
      }
    },
    NewExpression(node) {
      if (node.arguments.length === 0 && isGlobal(node.callee, 'Date')) refuseCall(node, 'new Date')
    },
    MemberExpression(node) {
      if (isGlobal(node.object, 'console')) {
        found.push(
          file.complain(
            node,
            'writes to the console',
            'Take the log door (src/runtime/log.ts); the command line writes to process.stdout',
          ),
        )
      }
      if (isGlobal(node.object, 'process') && !lifted.includes('process')) {
        found.push(file.complain(node, `uses process.${nameOf(node.property)}`, processDoor))
      }
    },
  }).visit(file.program)
  return found
}

function calledName(callee: ESTree.Expression | ESTree.Super): string | undefined {
  if (callee.type === 'Identifier') return callee.name
  return callee.type === 'MemberExpression' ? nameOf(callee.property) : undefined
}

function nameOf(node: { readonly type: string; readonly name?: unknown }): string {
  return node.type === 'Identifier' && typeof node.name === 'string' ? node.name : ''
}

/** Names a file declares itself: a parameter called `process` is a door, not the global. */
function boundNames(program: ESTree.Program): ReadonlySet<string> {
  const names = new Set<string>()
  const bind = (pattern: ESTree.ParamPattern | ESTree.BindingPattern): void => {
    switch (pattern.type) {
      case 'Identifier':
        names.add(pattern.name)
        break
      case 'ObjectPattern':
        for (const property of pattern.properties) {
          bind(property.type === 'RestElement' ? property.argument : property.value)
        }
        break
      case 'ArrayPattern':
        for (const element of pattern.elements) if (element !== null) bind(element)
        break
      case 'AssignmentPattern':
        bind(pattern.left)
        break
      case 'RestElement':
        bind(pattern.argument)
        break
      case 'TSParameterProperty':
        break
    }
  }
  const bindParameters = (node: { readonly params: readonly ESTree.ParamPattern[] }): void => {
    for (const parameter of node.params) bind(parameter)
  }
  new Visitor({
    VariableDeclarator: (node) => bind(node.id),
    ArrowFunctionExpression: bindParameters,
    FunctionExpression: bindParameters,
    FunctionDeclaration(node) {
      if (node.id !== null) names.add(node.id.name)
      bindParameters(node)
    },
    ImportSpecifier: (node) => names.add(node.local.name),
    ImportNamespaceSpecifier: (node) => names.add(node.local.name),
    ImportDefaultSpecifier: (node) => names.add(node.local.name),
  }).visit(program)
  return names
}
