/**
 * The events of the log, as the code names them and as src/EVENTS.md tells of them. What is seen in the code: calls of
 * a log's methods with a name, or with one of a few names that stand in the same file.
 */
import { Visitor, type ESTree } from 'vite'
import type { SourceFile } from './source-file.ts'
import { isTest } from './tree.ts'

export interface LoggedEvent {
  readonly event: string
  readonly levels: ReadonlySet<string>
  readonly fields: ReadonlySet<string>
}

export interface DocumentedEvent {
  readonly event: string
  readonly levels: readonly string[]
  readonly fields: readonly string[]
  readonly meaning: string
}

const levels: ReadonlySet<string> = new Set(['debug', 'info', 'warn', 'error'])
const eventName = /^[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*$/

/** By their names. */
export function loggedEvents(files: readonly SourceFile[]): ReadonlyMap<string, LoggedEvent> {
  const found = new Map<string, { event: string; levels: Set<string>; fields: Set<string> }>()
  for (const file of files) {
    if (isTest(file.path) || !/^(?:src|plugins)\//.test(file.path)) continue
    if (/^(?:src\/testkit|plugins\/local)\//.test(file.path)) continue
    const objects = objectsOf(file)
    new Visitor({
      CallExpression({ callee, arguments: [name, fields] }) {
        const level = levelOf(callee)
        if (level === undefined || name === undefined) return
        for (const event of namesOf(name, objects)) {
          const entry = found.get(event) ?? { event, levels: new Set(), fields: new Set() }
          found.set(event, entry)
          entry.levels.add(level)
          for (const field of fieldsOf(fields, objects)) entry.fields.add(field)
        }
      },
    }).visit(file.program)
  }
  return found
}

/** Rows of the tables: `| event | level | fields | meaning |`. */
export function documentedEvents(text: string): ReadonlyMap<string, DocumentedEvent> {
  const rows = text.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim())
    const [, event = '', level = '', fields = '', meaning = ''] = cells
    const name = /^`(.+)`$/.exec(event)?.[1]
    if (name === undefined || cells.length !== 6) return []
    const words = fields.split(', ').filter((field) => field !== '')
    return [{ event: name, levels: level.split(', '), fields: words, meaning }]
  })
  return new Map(rows.map((row) => [row.event, row]))
}

/** `log.info`, `this.#log.warn`, `doors.log[level]` */
function levelOf(callee: ESTree.Expression): string | undefined {
  if (callee.type !== 'MemberExpression') return undefined
  const { object, property } = callee
  const of =
    object.type === 'MemberExpression'
      ? nameOf(object.property)
      : object.type === 'Identifier'
        ? object.name
        : ''
  if (of !== 'log') return undefined
  if (callee.computed) return 'any'
  const name = nameOf(property)
  return levels.has(name) ? name : undefined
}

function nameOf(node: ESTree.Node): string {
  return node.type === 'Identifier' || node.type === 'PrivateIdentifier' ? node.name : ''
}

type Objects = ReadonlyMap<string, ESTree.ObjectExpression>

/** `const fields = { … }`, `const endEvents: … = { … }` */
function objectsOf(file: SourceFile): Objects {
  const found = new Map<string, ESTree.ObjectExpression>()
  new Visitor({
    VariableDeclarator({ id, init }) {
      const value = init?.type === 'TSAsExpression' ? init.expression : init
      if (id.type === 'Identifier' && value?.type === 'ObjectExpression') found.set(id.name, value)
    },
  }).visit(file.program)
  return found
}

function namesOf(node: ESTree.Argument, objects: Objects): readonly string[] {
  if (node.type === 'Literal') {
    return typeof node.value === 'string' && eventName.test(node.value) ? [node.value] : []
  }
  if (node.type === 'ConditionalExpression') {
    return [...namesOf(node.consequent, objects), ...namesOf(node.alternate, objects)]
  }
  if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier') return []
  const among = objects.get(node.object.name)
  return (among?.properties ?? []).flatMap((property) =>
    property.type === 'Property' ? namesOf(property.value, objects) : [],
  )
}

/** What a call says outright; fields that are spread into it come from elsewhere. */
function fieldsOf(node: ESTree.Argument | undefined, objects: Objects): readonly string[] {
  if (node?.type === 'Identifier') return fieldsOf(objects.get(node.name), objects)
  if (node?.type !== 'ObjectExpression') return []
  return node.properties.flatMap((property) => {
    if (property.type === 'Property') return property.computed ? [] : [nameOf(property.key)]
    return property.argument.type === 'Identifier' && objects.has(property.argument.name)
      ? fieldsOf(
          property.argument,
          new Map([...objects].filter(([name]) => name !== nameOf(property.argument))),
        )
      : []
  })
}
