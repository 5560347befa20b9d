/** What a file may be called, how long it may be, and what may not stand in it. */
import { posix } from 'node:path'
import { Visitor } from 'vite'
import type { Complaint } from './complaint.ts'
import type { SourceFile } from './source-file.ts'
import { isTest } from './tree.ts'

const lineLimit = 400
const testLineLimit = 600

const emptyNames = new Set(['common', 'helper', 'helpers', 'misc', 'util', 'utils'])

/** Tools that demand a default export. */
const defaultExporters = new Set(['vitest.config.ts', 'vite.config.ts'])

/** Programs: the files that are meant to do something when they are loaded. */
const programs =
  /^(?:src\/main\.ts|src\/admin\/ui\/main\.tsx|src\/cli\/(?:smtpd-)?main\.ts)$|\.worker\.ts$/

export function checkShape(files: readonly SourceFile[]): readonly Complaint[] {
  return files.flatMap((file) => [
    ...checkName(file),
    ...checkLength(file),
    ...checkExports(file),
    ...checkTypes(file),
    ...checkMocks(file),
    ...checkComments(file),
    ...(isTest(file.path) || !/^(?:src|plugins)\//.test(file.path) ? [] : checkTopLevel(file)),
  ])
}

function checkName(file: SourceFile): readonly Complaint[] {
  const parts = file.path.split('/')
  const empty = parts.map((part) => part.replace(/\..*$/, '')).find((part) => emptyNames.has(part))
  if (empty === undefined) return []
  return [
    {
      file: file.path,
      line: 1,
      problem: `is called ${empty}, which says nothing`,
      remedy: 'Name the file after the one idea in it',
    },
  ]
}

function checkLength({ path, lineCount }: SourceFile): readonly Complaint[] {
  const limit = isTest(path) ? testLineLimit : lineLimit
  if (lineCount <= limit) return []
  return [
    {
      file: path,
      line: limit + 1,
      problem: `has ${lineCount} lines, the limit is ${limit}`,
      remedy: 'Find the second idea in it and give it a file of its own',
    },
  ]
}

function checkExports(file: SourceFile): readonly Complaint[] {
  const found: Complaint[] = []
  new Visitor({
    ExportDefaultDeclaration(node) {
      if (defaultExporters.has(posix.basename(file.path))) return
      found.push(file.complain(node, 'has a default export', 'Export it by its name'))
    },
    ExportAllDeclaration(node) {
      found.push(file.complain(node, 'exports *', 'List the names: they are the interface'))
    },
  }).visit(file.program)
  return found
}

function checkTypes(file: SourceFile): readonly Complaint[] {
  const found: Complaint[] = []
  new Visitor({
    TSAnyKeyword(node) {
      found.push(file.complain(node, 'uses any', 'Use unknown and find out, or name the type'))
    },
    TSAsExpression(node) {
      if (node.expression.type !== 'TSAsExpression') return
      found.push(
        file.complain(node, 'casts through a second type', 'Check the value and narrow it instead'),
      )
    },
    TSEnumDeclaration(node) {
      found.push(file.complain(node, 'declares an enum', 'Use a union of string literals'))
    },
    TSModuleDeclaration(node) {
      found.push(
        file.complain(node, 'declares a namespace or augments a module', 'Use a file and exports'),
      )
    },
    TSParameterProperty(node) {
      found.push(file.complain(node, 'has a parameter property', 'Declare the field and assign it'))
    },
  }).visit(file.program)
  return found
}

/** Test files share a process: whichever loads the module first decides whether it is the mocked one. */
function checkMocks(file: SourceFile): readonly Complaint[] {
  const found: Complaint[] = []
  new Visitor({
    MemberExpression(node) {
      if (node.object.type !== 'Identifier' || node.object.name !== 'vi') return
      if (node.property.type !== 'Identifier' || !/^(?:do)?mock$/i.test(node.property.name)) return
      found.push(file.complain(node, 'mocks a module', 'Hand what it calls to what is tested'))
    },
  }).visit(file.program)
  return found
}

function checkComments(file: SourceFile): readonly Complaint[] {
  return file.comments.flatMap(({ text, line }) => {
    const problem = commentProblem(text.trim(), isTest(file.path))
    return problem === undefined ? [] : [{ file: file.path, line, ...problem }]
  })
}

function commentProblem(
  text: string,
  inTest: boolean,
): { problem: string; remedy: string } | undefined {
  const silencer = /^@ts-(?:ignore|nocheck|expect-error)/.exec(text)?.[0]
  if (silencer !== undefined && !(inTest && silencer === '@ts-expect-error')) {
    return { problem: `silences the compiler with ${silencer}`, remedy: 'Make the types true' }
  }
  if (/^(?:oxlint|eslint)-disable/.test(text) && !/ -- \S/.test(text)) {
    return {
      problem: 'switches a lint rule off without saying why',
      remedy: 'Follow the rule, or end the comment with -- and the reason',
    }
  }
  if (/^(?:TODO|FIXME|XXX|HACK)\b/.test(text)) {
    return { problem: 'leaves work for later', remedy: 'Do it, or open an issue' }
  }
  return undefined
}

/** A module that is loaded has done nothing and remembers nothing. */
function checkTopLevel(file: SourceFile): readonly Complaint[] {
  const stateless = 'Keep state in an object that is made by whoever needs it'
  return file.program.body.flatMap((statement) => {
    const declaration =
      statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    switch (declaration?.type) {
      case 'VariableDeclaration': {
        if (declaration.kind === 'let' || declaration.kind === 'var') {
          return [file.complain(declaration, `has a module-level ${declaration.kind}`, stateless)]
        }
        const growing = declaration.declarations.find(
          ({ init }) =>
            init?.type === 'NewExpression' &&
            init.callee.type === 'Identifier' &&
            /^(?:Weak)?(?:Map|Set)$/.test(init.callee.name) &&
            init.arguments.length === 0,
        )
        return growing === undefined
          ? []
          : [file.complain(growing, 'has an empty collection at module level', stateless)]
      }
      case 'BlockStatement':
      case 'ExpressionStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'ForStatement':
      case 'IfStatement':
      case 'SwitchStatement':
      case 'TryStatement':
      case 'WhileStatement':
        return programs.test(file.path)
          ? []
          : [file.complain(declaration, 'does work when it is imported', 'Put it in a function')]
      default:
        return []
    }
  })
}
