/**
 * Changes keys of one entry of the chain in the text of postern.yaml: what is not changed stays as the operator wrote it,
 * comments and blanks included. The result is read again; where a careful edit did not come out as meant (a block that
 * ends in an unusual way), the whole document is written anew, which keeps comments but not every blank.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  stringify,
  type Document,
  type Pair,
  type YAMLMap,
} from 'yaml'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { withEntryMode, type EntryMode } from './entry-mode.ts'

/** Absent keys stay; `null` takes a key away. `options` is the whole map as it shall be. */
export interface EntryEdit {
  readonly mode?: EntryMode
  readonly options?: JsonObject | null
  readonly timeout?: string | null
  readonly on_fault?: string | null
}

/** @returns the new text, or undefined where no entry of the chain has that name */
export function withEntryEdit(text: string, name: string, edit: EntryEdit): string | undefined {
  const { mode, options, ...plain } = edit
  let edited = mode === undefined ? text : withEntryMode(text, name, mode)
  if (edited === undefined || entryOf(parse(edited), name) === undefined) return undefined
  for (const [key, value] of Object.entries(plain)) edited = withKey(edited, name, [key], value)
  if (options === undefined) return edited
  const before = optionsOf(edited, name)
  if (options === null || before === undefined || Object.keys(options).length === 0) {
    const none = options === null || Object.keys(options).length === 0
    return withKey(edited, name, ['options'], none ? null : options)
  }
  const gone = Object.keys(before).filter((key) => !(key in options))
  for (const key of gone) edited = withKey(edited, name, ['options', key], null)
  for (const [key, value] of Object.entries(options)) {
    if (!isDeepStrictEqual(before[key], value))
      edited = withKey(edited, name, ['options', key], value)
  }
  return edited
}

function parse(text: string): Document.Parsed {
  return parseDocument(text, { stringKeys: true })
}

function entryOf({ contents }: Document.Parsed, name: string): YAMLMap | undefined {
  const chain = isMap(contents) ? contents.get('chain', true) : undefined
  if (!isSeq(chain)) return undefined
  const found = chain.items.find(
    (item) => isMap(item) && (item.get('name') ?? item.get('plugin')) === name,
  )
  return isMap(found) ? found : undefined
}

/** @returns undefined where there is no map of them */
function optionsOf(text: string, name: string): JsonObject | undefined {
  const document = parse(text)
  const options = entryOf(document, name)?.get('options', true)
  if (!isMap(options) || options.items.length === 0) return undefined
  const plain: JsonObject = options.toJS(document)
  return plain
}

/** @param path of the entry's key, or of a key of its options. `null` takes it away */
function withKey(
  text: string,
  name: string,
  path: readonly [string, ...string[]],
  value: JsonValue | undefined,
): string {
  if (value === undefined) return text
  const wanted = parse(text)
  const entry = entryOf(wanted, name)
  if (entry === undefined) return text
  if (value === null) entry.deleteIn(path)
  else entry.setIn(path, wanted.createNode(value, { flow: true }))
  const spliced = splice(text, name, path, value)
  if (spliced !== undefined && isSame(parse(spliced), wanted)) return spliced
  return wanted.toString({ lineWidth: 0 })
}

function isSame(one: Document.Parsed, other: Document.Parsed): boolean {
  return one.errors.length === 0 && isDeepStrictEqual(one.toJS(), other.toJS())
}

function splice(
  text: string,
  name: string,
  path: readonly [string, ...string[]],
  value: JsonValue,
): string | undefined {
  const entry = entryOf(parse(text), name)
  const holder = path.length === 1 ? entry : entry?.getIn(path.slice(0, -1), true)
  if (!isMap(holder)) return undefined
  const key = path.at(-1) ?? ''
  const index = holder.items.findIndex((item) => isScalar(item.key) && item.key.value === key)
  const pair = holder.items[index]
  if (value === null) return pair === undefined ? text : without(text, holder, pair)
  const flow = stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd()
  return pair === undefined ? withNew(text, holder, `${key}: ${flow}`) : replaced(text, pair, flow)
}

function rangeOf(node: unknown): readonly [number, number] | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined
  const { range } = node
  if (!Array.isArray(range)) return undefined
  const [from, to]: readonly unknown[] = range
  return typeof from === 'number' && typeof to === 'number' ? [from, to] : undefined
}

function replaced(text: string, { key, value }: Pair, flow: string): string | undefined {
  const old = rangeOf(value)
  if (old === undefined) {
    const end = rangeOf(key)?.[1]
    return end === undefined ? undefined : `${text.slice(0, end)}: ${flow}${text.slice(end + 1)}`
  }
  const [from, to] = old
  // A block ends behind its last line end, which belongs to what follows.
  const kept = text.slice(from, to).trimEnd().length
  return `${text.slice(0, from)}${from === to ? ' ' : ''}${flow}${text.slice(from + kept)}`
}

function withNew(text: string, holder: YAMLMap, written: string): string | undefined {
  const last = holder.items.at(-1)
  const first = rangeOf(holder.items[0]?.key)
  const end = (rangeOf(last?.value) ?? rangeOf(last?.key))?.[1]
  if (first === undefined || end === undefined) return undefined
  if (holder.flow === true) return `${text.slice(0, end)}, ${written}${text.slice(end)}`
  const indent = ' '.repeat(first[0] - (text.lastIndexOf('\n', first[0] - 1) + 1))
  const content = text.slice(0, end).trimEnd().length
  const lineEnd = text.indexOf('\n', content)
  const at = lineEnd < 0 ? text.length : lineEnd
  return `${text.slice(0, at)}\n${indent}${written}${text.slice(at)}`
}

/** The lines of a key in a block; that of a flow is left to the document. */
function without(text: string, holder: YAMLMap, { key, value }: Pair): string | undefined {
  const start = rangeOf(key)?.[0]
  const end = (rangeOf(value) ?? rangeOf(key))?.[1]
  if (start === undefined || end === undefined || holder.flow === true) return undefined
  const from = text.lastIndexOf('\n', start - 1) + 1
  if (text.slice(from, start).trim() !== '') return undefined
  const content = text.slice(0, end).trimEnd().length
  const lineEnd = text.indexOf('\n', content)
  return `${text.slice(0, from)}${lineEnd < 0 ? '' : text.slice(lineEnd + 1)}`
}
