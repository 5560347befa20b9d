import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import type { JsonValue } from '../mail/json.ts'
import { memoryFiles } from '../testkit/memory-files.ts'
import { option } from './option-makers.ts'
import type { Option } from './option.ts'

const files = memoryFiles({ 'tables/names': 'Bob\nalice  the first\n# nobody\n' })

function parse<T>(maker: Option<T>, value: JsonValue): T | string {
  const parsed = maker.parse(value, files)
  return parsed.ok ? parsed.value : `${parsed.problem}; ${parsed.remedy}`
}

function fromText<T>(maker: Option<T>, text: string): T | string {
  const raw = maker.fromText(text)
  return raw.ok ? parse(maker, raw.value) : `${raw.problem}; ${raw.remedy}`
}

describe('options are strict, and say what would be right', () => {
  test.each<[string, Option<unknown>, JsonValue, unknown]>([
    ['string', option.string(), 'text', 'text'],
    [
      'string',
      option.string({ maxLength: 3 }),
      'text',
      '"text" is not text; write a text of at most 3 characters',
    ],
    ['string', option.string(), 1, '1 is not text; write a text of at most 1024 characters'],
    ['choice', option.choice(['one', 'two']), 'two', 'two'],
    [
      'choice',
      option.choice(['one', 'two']),
      'three',
      '"three" is not a choice; write one of one, two',
    ],
    ['choice of numbers', option.choice(['control', '0', '3']), 3, '3'],
    [
      'choice of numbers',
      option.choice(['control', '0', '3']),
      4,
      '4 is not a choice; write one of control, 0, 3',
    ],
    ['boolean', option.boolean(), true, true],
    [
      'boolean',
      option.boolean(),
      'true',
      '"true" is not true or false; write true or false, without quotes',
    ],
    [
      'boolean',
      option.boolean(),
      'yes',
      '"yes" is not true or false; write true or false, without quotes',
    ],
    ['integer', option.integer({ min: 1, max: 9 }), 5, 5],
    [
      'integer',
      option.integer({ min: 1, max: 9 }),
      10,
      '10 is not a whole number of at least 1 and at most 9; write a whole number of at least 1 and at most 9',
    ],
    ['integer', option.integer(), 1.5, '1.5 is not a whole number; write a whole number'],
    ['integer', option.integer(), '5', '"5" is not a whole number; write a whole number'],
    ['number', option.number({ max: 1 }), 0.5, 0.5],
    [
      'number',
      option.number({ max: 1 }),
      2,
      '2 is not a number of at most 1; write a number of at most 1',
    ],
    ['duration', option.duration(), '30s', 30_000],
    ['duration', option.duration(), '250ms', 250],
    ['duration', option.duration(), '1.5h', 5_400_000],
    ['duration', option.duration(), '7d', 604_800_000],
    [
      'duration',
      option.duration(),
      30,
      '30 is not a duration; write a duration such as 30s, 5m, 2h or 7d',
    ],
    [
      'duration',
      option.duration(),
      '30',
      '"30" is not a duration; write a duration such as 30s, 5m, 2h or 7d',
    ],
    [
      'duration',
      option.duration(),
      '4000d',
      '"4000d" is not less than ten years; write a duration such as 30s, 5m, 2h or 7d',
    ],
    ['size', option.size(), '25MB', 26_214_400],
    ['size', option.size(), '512kb', 524_288],
    ['size', option.size(), 1000, 1000],
    [
      'size',
      option.size(),
      -1,
      '-1 is not a size; write a size such as 25MB or 512KB, or a number of bytes',
    ],
    [
      'size',
      option.size(),
      '25',
      '"25" is not a size; write a size such as 25MB or 512KB, or a number of bytes',
    ],
    ['strings', option.strings(), ['a', 'b'], ['a', 'b']],
    [
      'strings',
      option.strings(),
      'a',
      '"a" is not a list of texts; write a list such as [one, two]',
    ],
    [
      'strings',
      option.strings(),
      ['a', 1],
      '["a",1] is not a list of texts; write a list such as [one, two]',
    ],
    [
      'networks',
      option.networks(),
      ['192.0.2.0/33'],
      '"192.0.2.0/33" is not an address or a network; write for instance 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32',
    ],
    [
      'table',
      option.table(),
      '',
      '"" is not a path; write the path of a table, such as tables/table',
    ],
    ['file', option.file(), 7, '7 is not a path; write the path of a file, such as tables/file'],
  ])('%s %#', (_name, maker, value, expected) => {
    expect(parse(maker, value)).toEqual(expected)
  })

  test('a long value is shown cut', () => {
    expect(parse(option.integer(), 'x'.repeat(500))).toMatch(/^"x{56}\.\.\. is not/)
  })

  test('a table is opened by its path', async () => {
    const table = option.table().parse('tables/names', files)
    if (!table.ok) throw new Error(table.problem)
    expect([await table.value.has('BOB'), await table.value.has('nobody')]).toEqual([true, false])
    expect(await table.value.get('Alice')).toBe('the first')
  })
})

test('a path to what cannot be read is a mistake, wherever it is written', () => {
  const table = (path: string): never => {
    throw new PosternError('DISK_FAILED', `${path}: EISDIR`)
  }
  expect(option.table().parse('control', { ...files, table })).toMatchObject({
    ok: false,
    problem: expect.stringContaining('control cannot be read'),
  })
})

describe('from the text of a tcp.smtp variable', () => {
  test.each<[Option<unknown>, string, unknown]>([
    [option.boolean(), '1', true],
    [option.boolean(), 'YES', true],
    [option.boolean(), '0', false],
    [option.boolean(), '', false],
    [option.boolean(), 'perhaps', '"perhaps" is not yes or no; set it to 1 or 0'],
    [option.integer({ min: 0 }), '42', 42],
    [option.integer(), '4x', '"4x" is not a whole number; set it to a whole number'],
    [option.number(), '-1.5', -1.5],
    [option.duration(), '5', 5000],
    [option.duration(), '5m', 300_000],
    [option.size(), '1000', 1000],
    [option.strings(), 'a, b  c', ['a', 'b', 'c']],
    [option.choice(['a', 'b']), 'c', '"c" is not a choice; write one of a, b'],
    [option.integer({ min: 0, default: 7 }), '', 0],
    [
      option.integer({ min: 1 }),
      '',
      '0 is not a whole number of at least 1; write a whole number of at least 1',
    ],
    [option.size({ default: '50MB' }), '', 0],
    [option.duration({ default: '2m' }), '', 120_000],
    [option.duration(), '', 0],
    [option.choice(['control', '0', '1']), '', '0'],
    [option.choice(['a', 'b']), '', '"" is not a choice; write one of a, b'],
  ])('%# %j', (maker, text, expected) => {
    expect(fromText(maker, text)).toEqual(expected)
  })
})

describe('the schema', () => {
  test('says in JSON Schema what the option takes', () => {
    expect(option.integer({ min: 1, default: 3, description: 'How many' }).schema).toEqual({
      type: 'integer',
      minimum: 1,
      default: 3,
      description: 'How many',
    })
    expect(option.choice(['a', 'b']).schema).toEqual({ type: 'string', enum: ['a', 'b'] })
    expect(option.choice(['a', '3']).schema).toEqual({
      type: ['string', 'integer'],
      enum: ['a', '3', 3],
    })
    expect(option.strings().schema).toEqual({ type: 'array', items: { type: 'string' } })
  })

  test('its pattern takes what the parser takes', () => {
    const pattern = new RegExp(String(Object(option.duration().schema).pattern))
    const texts = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.stringMatching(/^\d{1,3}(?:ms|s|m|h|d)$/),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(option.duration().parse(text, files).ok).toBe(pattern.test(text))
      }),
    )
  })
})

test('no value at all makes a parser throw', () => {
  const makers: readonly Option<unknown>[] = [
    option.string(),
    option.choice(['a']),
    option.boolean(),
    option.integer(),
    option.number(),
    option.duration(),
    option.size(),
    option.strings(),
    option.networks(),
  ]
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...makers), (value, maker) => {
      const copy: JsonValue = JSON.parse(JSON.stringify(value))
      expect(typeof maker.parse(copy, files).ok).toBe('boolean')
    }),
  )
})
