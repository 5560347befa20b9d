/** A YAML file with the line of every key. Duplicate keys, anchors that explode and bad syntax are mistakes. */
import {
  LineCounter,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  parseDocument,
  type Document,
  type YAMLParseError,
} from 'yaml'
import type { JsonValue } from '../mail/json.ts'
import type { Mistake } from '../plugin/mistake.ts'

export type Path = readonly (string | number)[]

export interface ConfigDocument {
  readonly file: string
  /** What the file says, as plain data. */
  readonly value: JsonValue
  /** The line of a key, or of the nearest parent that stands in the file. */
  lineOf(path: Path): number | undefined
}

const remedy = 'see config/postern.yaml in the repository for a file that works'

/** Reads the text of a YAML file. */
export function parseConfigDocument(
  file: string,
  text: string,
): { readonly document?: ConfigDocument; readonly mistakes: readonly Mistake[] } {
  const lines = new LineCounter()
  const parsed = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    stringKeys: true,
    prettyErrors: false,
  })
  const mistakes = parsed.errors.map((error) => ({
    file,
    line: lines.linePos(error.pos[0]).line,
    ...toldOf(error),
  }))
  if (mistakes.length > 0) return { mistakes }
  const resolved = resolveAliases(parsed)
  if ('problem' in resolved) {
    return { mistakes: [{ file, line: 1, problem: resolved.problem, remedy }] }
  }
  const value = plainData(resolved.value)
  const lineOf = (path: Path): number | undefined => {
    for (let length = path.length; length >= 0; length--) {
      const offset = offsetOf(parsed.contents, path.slice(0, length))
      if (offset !== undefined) return lines.linePos(offset).line
    }
    return undefined
  }
  return { document: { file, value, lineOf }, mistakes: [] }
}

/** What the parser says, but where it speaks to programmers. */
function toldOf({ code, message }: YAMLParseError): Pick<Mistake, 'problem' | 'remedy'> {
  switch (code) {
    case 'DUPLICATE_KEY':
      return { problem: message, remedy: 'keep one of the two' }
    case 'MULTIPLE_DOCS':
      return { problem: 'a second document begins here', remedy: 'take the line --- out' }
    case 'TAB_AS_INDENT':
      return { problem: message, remedy: 'write blanks, two for each level' }
    default:
      return { problem: message, remedy }
  }
}

/** An alias without its anchor, or aliases that stand for more than anybody means, show only here. */
function resolveAliases(
  parsed: Pick<Document, 'toJS'>,
): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: parsed.toJS({ maxAliasCount: 100 }) }
  } catch (error) {
    if (error instanceof ReferenceError) return { problem: error.message }
    throw error
  }
}

/** Where a key (or a list item) begins in the text. */
function offsetOf(root: unknown, path: Path): number | undefined {
  let node = root
  let offset = isNode(root) ? root.range?.[0] : undefined
  for (const step of path) {
    if (!isCollection(node)) return undefined
    const item = isMap(node)
      ? node.items.find((pair) => isScalar(pair.key) && pair.key.value === step)
      : typeof step === 'number'
        ? node.items[step]
        : undefined
    if (item === undefined) return undefined
    const start = isPair(item) ? item.key : item
    offset = isNode(start) ? start.range?.[0] : undefined
    node = isPair(item) ? item.value : item
  }
  return offset
}

/** YAML can hold what JSON cannot (dates, big integers, sets): such values become their text. */
function plainData(value: unknown): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (Array.isArray(value)) return value.map(plainData)
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainData(item)]))
  }
  if (typeof value === 'bigint') return value.toString()
  return null
}
