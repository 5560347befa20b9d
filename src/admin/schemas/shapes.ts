/** What the schemas of all resources are made of. An object takes the keys it names and no others, in and out. */
import { Type, type Static, type TProperties, type TSchema } from 'typebox'

export function record<P extends TProperties>(properties: P, title?: string) {
  return Type.Object(properties, {
    additionalProperties: false,
    ...(title === undefined ? {} : { title }),
  })
}

/** A list that nobody changes once it is made. */
export function listOf<T extends TSchema>(
  item: T,
  bounds: { readonly maxItems?: number; readonly minItems?: number } = {},
) {
  return Type.Unsafe<readonly Static<T>[]>(Type.Array(item, bounds))
}

export function oneOf<const W extends readonly string[]>(words: W, description?: string) {
  const schema = Type.Enum([...words], description === undefined ? {} : { description })
  return Type.Unsafe<W[number]>(schema)
}

export const Instant = Type.Integer({
  minimum: 0,
  description: 'Milliseconds since 1970-01-01T00:00:00Z',
})
/** A line that a person wrote: never long. */
export const Line = Type.String({ maxLength: 1000 })
export const Name = Type.String({ minLength: 1, maxLength: 320 })
export const Count = Type.Integer({ minimum: 0 })
/** Whatever JSON there is: evidence and options of plugins. */
export const AnyJson = Type.Unknown({ description: 'Any JSON value' })
export const JsonMap = Type.Unsafe<{ readonly [key: string]: unknown }>(
  Type.Record(Type.String(), Type.Unknown()),
)

/** Where a list goes on: what `next` said, and how many. */
export const pageQuery = {
  cursor: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the page before' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
}
export const next = Type.Optional(
  Type.String({ description: 'The cursor of the next page; absent: this was the last' }),
)

export const Mistake = record(
  {
    file: Type.String(),
    line: Type.Optional(Type.Integer()),
    key: Type.Optional(Type.String()),
    problem: Type.String(),
    remedy: Type.String(),
  },
  'Mistake',
)

/** What `postern check` says. */
export const Check = record({ mistakes: listOf(Mistake), doubts: listOf(Mistake) }, 'Check')

/** RFC 9457. */
export const Problem = record(
  {
    type: Type.String({ description: 'A relative reference that names the kind of problem' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String({ description: 'The request it is about' })),
    errors: Type.Optional(
      listOf(
        record({
          pointer: Type.String({ description: 'A JSON pointer into what was sent' }),
          detail: Type.String(),
        }),
      ),
    ),
    mistakes: Type.Optional(listOf(Mistake)),
  },
  'Problem',
)

export const Done = record({ done: Type.Boolean() }, 'Done')

export type Mistake = Static<typeof Mistake>
export type Check = Static<typeof Check>
export type Problem = Static<typeof Problem>
