/**
 * A form from the JSON Schema of a plugin's options. Every field is text until it is sent; an empty one is not
 * written at all, so that the default holds, and stays right when a new version has another.
 */

export type FieldKind = 'text' | 'number' | 'boolean' | 'choice' | 'lines' | 'json'

export interface FormField {
  readonly name: string
  readonly kind: FieldKind
  readonly choices: readonly string[]
  readonly description?: string
  /** As it would be written; absent: the option must be given. */
  readonly fallback?: string
  readonly integer: boolean
  readonly minimum?: number
  readonly maximum?: number
}

/** By the names of the fields. */
export type FormValues = Readonly<Record<string, string>>

export type Filled =
  | { readonly ok: true; readonly options: Readonly<Record<string, unknown>> }
  /** What is wrong, by the names of the fields. */
  | { readonly ok: false; readonly wrong: FormValues }

type Json = Readonly<Record<string, unknown>>

export function formFields(schema: Json): readonly FormField[] {
  const properties = asMap(schema['properties'])
  return Object.entries(properties).map(([name, value]) => fieldOf(name, asMap(value)))
}

function fieldOf(name: string, schema: Json): FormField {
  const kind = kindOf(schema)
  const { description, minimum, maximum } = schema
  return {
    name,
    kind,
    // A choice that is a number is among them twice: with and without quotes.
    choices: Array.isArray(schema['enum']) ? [...new Set(schema['enum'].map(String))] : [],
    integer: schema['type'] === 'integer',
    ...(typeof description === 'string' ? { description } : {}),
    ...(schema['default'] === undefined ? {} : { fallback: textOf(kind, schema['default']) }),
    ...(typeof minimum === 'number' ? { minimum } : {}),
    ...(typeof maximum === 'number' ? { maximum } : {}),
  }
}

function kindOf(schema: Json): FieldKind {
  if (Array.isArray(schema['enum'])) return 'choice'
  switch (schema['type']) {
    case 'string':
      return 'text'
    case 'boolean':
      return 'boolean'
    case 'integer':
    case 'number':
      return 'number'
    case 'array':
      return asMap(schema['items'])['type'] === 'string' ? 'lines' : 'json'
    default:
      return isSize(schema['anyOf']) ? 'text' : 'json'
  }
}

/** A number of bytes, or a text such as 25MB: people write it as text. */
function isSize(anyOf: unknown): boolean {
  return Array.isArray(anyOf) && anyOf.some((each) => asMap(each)['type'] === 'string')
}

/** What the file says now, as texts. */
export function formValues(fields: readonly FormField[], options: unknown): FormValues {
  const given = asMap(options)
  return Object.fromEntries(
    fields.map(({ name, kind }) => [
      name,
      Object.hasOwn(given, name) ? textOf(kind, given[name]) : '',
    ]),
  )
}

function textOf(kind: FieldKind, value: unknown): string {
  if (kind === 'lines' && Array.isArray(value)) return value.map(String).join('\n')
  if (kind === 'json') return JSON.stringify(value, undefined, 2)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/**
 * From the form back to options. Keys that no field knows are kept as they are.
 * @param before what the file says now
 */
export function filledOptions(
  fields: readonly FormField[],
  values: FormValues,
  before: unknown,
): Filled {
  const known = new Set(fields.map(({ name }) => name))
  const options: Record<string, unknown> = Object.fromEntries(
    Object.entries(asMap(before)).filter(([name]) => !known.has(name)),
  )
  const wrong: Record<string, string> = {}
  for (const field of fields) {
    const text = (values[field.name] ?? '').trim()
    if (text === '') {
      if (field.fallback === undefined) wrong[field.name] = 'It must be given: it has no default'
      continue
    }
    const read = valueOf(field, text)
    if (read.ok) options[field.name] = read.value
    else wrong[field.name] = read.problem
  }
  return Object.keys(wrong).length === 0 ? { ok: true, options } : { ok: false, wrong }
}

type Read =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string }

function valueOf(field: FormField, text: string): Read {
  switch (field.kind) {
    case 'boolean':
      return { ok: true, value: text === 'true' }
    case 'number':
      return numberOf(field, text)
    case 'lines':
      return { ok: true, value: linesOf(text) }
    case 'json':
      return jsonOf(text)
    case 'choice':
    case 'text':
      return { ok: true, value: text }
  }
}

function numberOf({ integer, minimum, maximum }: FormField, text: string): Read {
  const value = Number(text)
  if (!Number.isFinite(value) || (integer && !Number.isInteger(value))) {
    return { ok: false, problem: integer ? 'Write a whole number' : 'Write a number' }
  }
  if (minimum !== undefined && value < minimum) {
    return { ok: false, problem: `At least ${minimum}` }
  }
  if (maximum !== undefined && value > maximum) {
    return { ok: false, problem: `At most ${maximum}` }
  }
  return { ok: true, value }
}

function linesOf(text: string): readonly string[] {
  // An empty list is a value of its own: a line of two brackets says it.
  if (text === '[]') return []
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function jsonOf(text: string): Read {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false, problem: 'This is no JSON' }
  }
}

function asMap(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {}
}
