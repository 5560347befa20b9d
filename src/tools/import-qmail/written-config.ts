/** postern.yaml as an import writes it: each line says where it comes from. */
import type { JsonObject, JsonValue } from '../../mail/json.ts'

/** A value, and what it was made of. */
export interface Sourced<T extends JsonValue = JsonValue> {
  readonly value: T
  readonly from?: string
}

/** The keys of a map in order. */
export type SourcedMap = ReadonlyMap<string, Sourced>

export interface WrittenEntry {
  readonly plugin: string
  readonly from: string
  /** Beside `options`: refuse_at, when, unless … */
  readonly settings: JsonObject
  readonly options: SourcedMap
}

export interface WrittenListener {
  readonly name: string
  readonly from: string
  readonly keys: SourcedMap
  readonly receiver: SourcedMap
}

export interface WrittenConfig {
  /** Lines of the comment at its head. */
  readonly head: readonly string[]
  readonly listeners: readonly WrittenListener[]
  readonly chain: readonly WrittenEntry[]
  /** Sections that are maps, and single values. */
  readonly sections: ReadonlyMap<string, SourcedMap | Sourced>
}

export function formatConfig({ head, listeners, chain, sections }: WrittenConfig): string {
  const lines = [
    ...head.map((line) => `# ${line}`),
    '',
    listeners.length === 0 ? 'listeners: [] # none was found' : 'listeners:',
    ...listeners.flatMap(listenerLines),
    '',
    'chain:',
    ...chain.flatMap(entryLines),
    '',
    ...[...sections].flatMap(([key, section]) =>
      'value' in section
        ? [lineOf(0, key, section)]
        : section.size === 0
          ? []
          : [`${key}:`, ...mapLines(2, section)],
    ),
  ]
  return `${lines.join('\n')}\n`
}

function listenerLines({ name, from, keys, receiver }: WrittenListener): readonly string[] {
  return [
    `  - name: ${flow(name)}${comment(from)}`,
    ...mapLines(4, keys),
    ...(receiver.size === 0 ? [] : ['    receiver:', ...mapLines(6, receiver)]),
  ]
}

function entryLines({ plugin, from, settings, options }: WrittenEntry): readonly string[] {
  return [
    `  - plugin: ${flow(plugin)}${comment(from)}`,
    ...Object.entries(settings).map(([key, value]) => `    ${key}: ${flow(value)}`),
    ...(options.size === 0 ? [] : ['    options:', ...mapLines(6, options)]),
  ]
}

function mapLines(indent: number, map: SourcedMap): readonly string[] {
  return [...map].map(([key, value]) => lineOf(indent, key, value))
}

function lineOf(indent: number, key: string, { value, from }: Sourced): string {
  return `${' '.repeat(indent)}${key}: ${flow(value)}${comment(from ?? '')}`
}

function comment(text: string): string {
  return text === '' ? '' : ` # ${text.replace(/[^\x20-\x7e]/g, '?')}`
}

/** JSON is YAML; what needs no quotes has none. */
function flow(value: JsonValue): string {
  if (typeof value === 'string') return isPlain(value) ? value : JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(
      ([key, each]) => `${isPlain(key) ? key : JSON.stringify(key)}: ${flow(each)}`,
    )
    return `{ ${pairs.join(', ')} }`
  }
  return JSON.stringify(value)
}

/** A text that YAML could take for nothing else, within brackets too. */
function isPlain(text: string): boolean {
  return (
    /^[A-Za-z./][\w./@-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
  )
}
