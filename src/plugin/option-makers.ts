/**
 * The makers of options. Each says what it takes in one JSON Schema and in words, and parses
 * strictly: a number is no string, `yes` is no boolean, and a mistake tells what would be right. A variable that is set to
 * nothing counts as 0 where a number is wanted, as with qmail, and as the usual time where that is a time, as with jgreylist.
 */
import { secretMask } from '../formats/secret-text.ts'
import { isDomain } from '../mail/domain.ts'
import { isPosternError } from '../mail/errors.ts'
import type { JsonValue } from '../mail/json.ts'
import { parseNetworks, type Networks } from './networks.ts'
import type {
  ChoiceSettings,
  Option,
  OptionMakers,
  OptionResources,
  OptionSettings,
  Parsed,
} from './option.ts'
import { refused, taken } from './parsed.ts'
import { durationPattern, parseDuration, parseSize, sizePattern } from './quantities.ts'
import type { FileTemplate } from './table.ts'

interface Kind<T> {
  readonly type: string
  readonly schema: Readonly<Record<string, JsonValue>>
  readonly parse: Option<T>['parse']
  readonly fromText: Option<T>['fromText']
}

export const option: OptionMakers = Object.freeze({
  string({ maxLength = 1024, ...settings }: Settings<'string'> = {}) {
    return make(
      {
        type: 'text',
        schema: { type: 'string', maxLength },
        parse: (value) =>
          typeof value === 'string' && value.length <= maxLength
            ? taken(value)
            : refused(value, 'text', `write a text of at most ${maxLength} characters`),
        fromText: taken,
      },
      settings,
    )
  },

  secret({ maxLength = 1024, ...settings }: Settings<'secret'> = {}) {
    return make(
      {
        type: 'secret text',
        schema: { type: 'string', maxLength, writeOnly: true },
        parse: (value) =>
          typeof value === 'string' && value.length <= maxLength
            ? taken(value)
            : refused(secretMask, 'text', `write a text of at most ${maxLength} characters`),
        fromText: taken,
      },
      { ...settings, secret: true },
    )
  },

  choice<const C extends string>(
    choices: readonly C[],
    { words = {}, ...settings }: ChoiceSettings<C> = {},
  ) {
    const meant = new Map<string, C>(Object.entries(words))
    return make<C>(
      {
        type: `one of ${choices.join(', ')}`,
        schema: choiceSchema(choices),
        parse(value) {
          // YAML reads `3` as a number, whatever the choices are.
          const written = typeof value === 'number' ? String(value) : value
          const choice = choices.find((each) => each === written)
          const remedy = `write one of ${choices.join(', ')}`
          return choice === undefined ? refused(value, 'a choice', remedy) : taken(choice)
        },
        fromText: (text) => taken(meant.get(text) ?? (isNothing(text, choices) ? '0' : text)),
      },
      settings,
    )
  },

  boolean(settings: Settings<'boolean'> = {}) {
    return make(
      {
        type: 'true or false',
        schema: { type: 'boolean' },
        parse: (value) =>
          typeof value === 'boolean'
            ? taken(value)
            : refused(value, 'true or false', 'write true or false, without quotes'),
        fromText(text) {
          // qmail's switches are numbers, and anything above 0 is on.
          if (/^(?:0*[1-9]\d{0,9}|true|yes)$/i.test(text)) return taken(true)
          if (/^(?:0+|false|no|)$/i.test(text)) return taken(false)
          return refused(text, 'yes or no', 'set it to 1 or 0')
        },
      },
      settings,
    )
  },

  integer({ min, max, ...settings }: Settings<'integer'> = {}) {
    return make(numeric({ type: 'integer', min, max, fits: Number.isSafeInteger }), settings)
  },

  number({ min, max, ...settings }: Settings<'number'> = {}) {
    return make(numeric({ type: 'number', min, max, fits: Number.isFinite }), settings)
  },

  duration(settings: Settings<'duration'> = {}) {
    return make(
      {
        type: 'duration',
        schema: { type: 'string', pattern: durationPattern.source },
        parse: parseDuration,
        // qmail's variables count seconds.
        fromText: (text) =>
          taken(text === '' ? (settings.default ?? '0s') : /^\d+$/.test(text) ? `${text}s` : text),
      },
      settings,
    )
  },

  size(settings: Settings<'size'> = {}) {
    return make(
      {
        type: 'size',
        schema: {
          anyOf: [
            { type: 'integer', minimum: 0 },
            { type: 'string', pattern: sizePattern.source },
          ],
        },
        parse: parseSize,
        fromText: (text) => taken(/^\d*$/.test(text) ? Number(text) : text),
      },
      settings,
    )
  },

  strings({ secret, ...settings }: Settings<'strings'> = {}) {
    return make(
      {
        type: secret ? 'list of secret texts' : 'list of texts',
        schema: secret ? { ...textList, writeOnly: true } : textList,
        parse: secret ? (value) => parseStrings(value, secretMask) : (value) => parseStrings(value),
        fromText: splitList,
      },
      { ...settings, ...(secret ? { secret } : {}) },
    )
  },

  networks(settings: Settings<'networks'> = {}) {
    return make<Networks>(
      {
        type: 'list of networks',
        schema: textList,
        parse(value) {
          const texts = parseStrings(value)
          if (!texts.ok) return texts
          const parsed = parseNetworks(texts.value)
          return parsed.ok
            ? taken(parsed.networks)
            : refused(
                parsed.item,
                'an address or a network',
                'write for instance 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32',
              )
        },
        fromText: splitList,
      },
      settings,
    )
  },

  table: (settings: Settings<'table'> = {}) =>
    make(
      pathTo('table', (path, resources) => resources.table(path)),
      settings,
    ),
  cdb: (settings: Settings<'cdb'> = {}) =>
    make(
      pathTo('cdb', (path, resources) => resources.cdb(path)),
      settings,
    ),
  file: (settings: Settings<'file'> = {}) =>
    make(
      pathTo('file', (path, resources) => resources.file(path)),
      settings,
    ),

  templates(settings: Settings<'templates'> = {}) {
    return make<readonly FileTemplate[]>(
      {
        type: 'list of paths with %',
        schema: textList,
        parse(value, resources) {
          const texts = parseStrings(value)
          if (!texts.ok) return texts
          const wrong = texts.value.find((each) => !each.includes('%') || each.includes('\0'))
          return wrong === undefined
            ? taken(texts.value.map((pattern) => fileTemplate(pattern, resources)))
            : refused(wrong, 'a path with %', 'write for instance dkim/%/default')
        },
        fromText: splitList,
      },
      settings,
    )
  },
})

/** Numbers among the choices are as good without quotes. */
function choiceSchema(choices: readonly string[]): Kind<string>['schema'] {
  const numbers = choices.filter((each) => /^\d+$/.test(each)).map(Number)
  return numbers.length === 0
    ? { type: 'string', enum: choices }
    : { type: ['string', 'integer'], enum: [...choices, ...numbers] }
}

/** Choices of which one is 0 are qmail's numbers. */
function isNothing(text: string, choices: readonly string[]): boolean {
  return text === '' && choices.includes('0') && !choices.includes('')
}

/** Only a domain leads to a file: no name leads out of the folder. */
function fileTemplate(pattern: string, resources: OptionResources): FileTemplate {
  return {
    pattern,
    read(name) {
      const domain = name.toLowerCase()
      return isDomain(domain) ? resources.file(pattern.replaceAll('%', domain)).read() : undefined
    },
  }
}

type Settings<K extends keyof OptionMakers> = NonNullable<
  K extends 'choice' ? never : Parameters<OptionMakers[K]>[0]
>

interface AllSettings extends OptionSettings<JsonValue> {
  readonly secret?: true
}

function make<T>(kind: Kind<T>, settings: AllSettings): Option<T> {
  const { description } = settings
  const fallback = settings.default
  const words = {
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(description === undefined ? {} : { description }),
  }
  return Object.freeze({
    type: kind.type,
    schema: { ...kind.schema, ...words },
    parse: kind.parse,
    fromText: kind.fromText,
    ...words,
    ...(settings.env === undefined ? {} : { env: settings.env }),
    ...(settings.secret === undefined ? {} : { secret: settings.secret }),
  })
}

interface Numeric {
  readonly type: 'integer' | 'number'
  readonly min: number | undefined
  readonly max: number | undefined
  readonly fits: (value: number) => boolean
}

function numeric({ type, min, max, fits }: Numeric): Kind<number> {
  const what = type === 'integer' ? 'a whole number' : 'a number'
  const from = min === undefined ? '' : ` of at least ${min}`
  const to = max === undefined ? '' : `${from === '' ? ' of' : ' and'} at most ${max}`
  const wanted = `${what}${from}${to}`
  return {
    type: wanted,
    schema: {
      type,
      ...(min === undefined ? {} : { minimum: min }),
      ...(max === undefined ? {} : { maximum: max }),
    },
    parse: (value) =>
      typeof value === 'number' &&
      fits(value) &&
      value >= (min ?? -Infinity) &&
      value <= (max ?? Infinity)
        ? taken(value)
        : refused(value, wanted, `write ${wanted}`),
    fromText: (text) =>
      /^(?:-?\d{1,20}(?:\.\d{1,20})?)?$/.test(text)
        ? taken(Number(text))
        : refused(text, what, `set it to ${wanted}`),
  }
}

const textList = { type: 'array', items: { type: 'string' } }
const longestList = 10_000

/** @param shownAs in messages, in place of the value */
function parseStrings(value: JsonValue, shownAs = value): Parsed<readonly string[]> {
  const texts = Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined
  return texts !== undefined && Array.isArray(value) && texts.length === value.length
    ? texts.length <= longestList
      ? taken(texts)
      : { ok: false, problem: `has ${texts.length} items`, remedy: `at most ${longestList} fit` }
    : refused(shownAs, 'a list of texts', 'write a list such as [one, two]')
}

function splitList(text: string): Parsed<JsonValue> {
  return taken(text.split(/[,\s]+/).filter((item) => item !== ''))
}

type Opens<T> = (path: string, resources: Parameters<Option<T>['parse']>[1]) => T

function pathTo<T>(type: string, open: Opens<T>): Kind<T> {
  return {
    type: `path of a ${type}`,
    schema: { type: 'string', minLength: 1 },
    parse(value, resources) {
      if (typeof value !== 'string' || value === '' || value.includes('\0')) {
        return refused(value, 'a path', `write the path of a ${type}, such as tables/${type}`)
      }
      try {
        return taken(open(value, resources))
      } catch (error) {
        if (!isPosternError(error)) throw error
        const remedy = 'it must be a file that the gateway may read'
        return { ok: false, problem: `${value} cannot be read (${error.message})`, remedy }
      }
    },
    fromText: taken,
  }
}
