/**
 * Changes the mode of one entry in the text of postern.yaml, and not one other byte: comments, blanks and quotes stay as
 * the operator wrote them.
 */
import { isMap, isPair, isScalar, isSeq, parseDocument, type YAMLMap } from 'yaml'

export type EntryMode = 'enforce' | 'shadow' | 'off'

interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
}

/**
 * @param name of the entry; that of its plugin where it has none
 * @returns the new text, or undefined where no entry of the chain has that name
 */
export function withEntryMode(text: string, name: string, mode: EntryMode): string | undefined {
  const { contents } = parseDocument(text, { stringKeys: true })
  const chain = isMap(contents) ? contents.get('chain', true) : undefined
  if (!isSeq(chain)) return undefined
  const entry = chain.items.find((item) => isMap(item) && nameOf(item) === name)
  if (!isMap(entry)) return undefined
  const edit = modeEdit(text, entry, mode)
  return edit && `${text.slice(0, edit.from)}${edit.text}${text.slice(edit.to)}`
}

/**
 * Adds an entry behind another one, and changes not one other byte.
 * @param after the name of an entry
 * @returns the new text, or undefined where no entry has that name, or where the chain is not written as lines
 */
export function withEntryAfter(text: string, after: string, plugin: string): string | undefined {
  const { contents } = parseDocument(text, { stringKeys: true })
  const chain = isMap(contents) ? contents.get('chain', true) : undefined
  if (!isSeq(chain) || chain.flow === true) return undefined
  const entry = chain.items.find((item) => isMap(item) && nameOf(item) === after)
  if (!isMap(entry) || !entry.range) return undefined
  const [start, end] = entry.range
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start)
  const indent = /^[ ]*(?=-)/.exec(line)?.[0]
  if (indent === undefined) return undefined
  const next = text[end - 1] === '\n' ? end : text.indexOf('\n', end) + 1
  const at = next === 0 ? text.length : next
  const newline = text[at - 1] === '\n' ? '' : '\n'
  return `${text.slice(0, at)}${newline}${indent}- plugin: ${plugin}\n${text.slice(at)}`
}

function nameOf(entry: YAMLMap): unknown {
  return entry.get('name') ?? entry.get('plugin')
}

function modeEdit(text: string, entry: YAMLMap, mode: EntryMode): Edit | undefined {
  const given = entry.get('mode', true)
  if (isScalar(given) && given.range) {
    const [from, to] = given.range
    return { from, to, text: from === to ? ` ${mode}` : mode }
  }
  const plugin = entry.items.find(
    (item) => isPair(item) && isScalar(item.key) && item.key.value === 'plugin',
  )
  if (!isScalar(plugin?.key) || !isScalar(plugin.value)) return undefined
  const { range: key } = plugin.key
  const { range: value } = plugin.value
  if (!key || !value) return undefined
  if (entry.flow === true) return { from: value[1], to: value[1], text: `, mode: ${mode}` }
  const lineStart = text.lastIndexOf('\n', key[0] - 1) + 1
  const indent = ' '.repeat(key[0] - lineStart)
  const lineEnd = text.indexOf('\n', value[1])
  const at = lineEnd < 0 ? text.length : lineEnd
  return { from: at, to: at, text: `\n${indent}mode: ${mode}` }
}
