import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filledOptions, formFields, formValues } from './option-form.ts'

const schema = {
  type: 'object',
  properties: {
    lists: { type: 'array', items: { type: 'string' } },
    timeout: { type: 'string', pattern: '^x$', default: '5s', description: 'How long' },
    most: { type: 'integer', minimum: 1, maximum: 9, default: 8 },
    ipv6: { type: 'boolean', default: true },
    listed: { type: 'string', enum: ['reject', 'score'], default: 'reject' },
    limit: { anyOf: [{ type: 'integer' }, { type: 'string' }], default: '1MB' },
    weights: { type: 'object', default: {} },
  },
}
const fields = formFields(schema)

describe('the form of an entry', () => {
  test('has a field of the right kind for each option', () => {
    expect(fields.map(({ name, kind }) => [name, kind])).toEqual([
      ['lists', 'lines'],
      ['timeout', 'text'],
      ['most', 'number'],
      ['ipv6', 'boolean'],
      ['listed', 'choice'],
      ['limit', 'text'],
      ['weights', 'json'],
    ])
  })

  test('knows defaults and descriptions', () => {
    expect(fields[1]).toMatchObject({ fallback: '5s', description: 'How long' })
    expect(fields[0]?.fallback).toBeUndefined()
  })

  test('shows what the file says, and nothing for what it does not say', () => {
    const values = formValues(fields, { lists: ['a', 'b'], most: 3, ipv6: false })
    expect(values).toMatchObject({ lists: 'a\nb', most: '3', ipv6: 'false', timeout: '' })
  })

  test('writes nothing for what is left empty, so that the default holds', () => {
    const filled = filledOptions(fields, { lists: 'a' }, {})
    expect(filled).toEqual({ ok: true, options: { lists: ['a'] } })
  })

  test('says which option must be given', () => {
    expect(filledOptions(fields, {}, {})).toMatchObject({
      ok: false,
      wrong: { lists: expect.any(String) },
    })
  })

  test.each([
    ['most', '10', 'At most 9'],
    ['most', '0', 'At least 1'],
    ['most', '1.5', 'Write a whole number'],
    ['weights', '{', 'This is no JSON'],
  ])('says what is wrong with %s: %s', (name, text, problem) => {
    expect(filledOptions(fields, { lists: 'a', [name]: text }, {})).toEqual({
      ok: false,
      wrong: { [name]: problem },
    })
  })

  test('keeps keys that no field knows', () => {
    const filled = filledOptions(fields, { lists: 'a' }, { old: 1, lists: ['b'] })
    expect(filled).toEqual({ ok: true, options: { old: 1, lists: ['a'] } })
  })

  test('gives back what the file said where nothing was changed', () => {
    const options = fc.record({
      lists: fc.array(fc.stringMatching(/^[a-z]+(?: [a-z]+)?$/), { minLength: 1 }),
      timeout: fc.stringMatching(/^\d{1,3}s$/),
      most: fc.integer({ min: 1, max: 9 }),
      ipv6: fc.boolean(),
      listed: fc.constantFrom('reject', 'score'),
      weights: fc.dictionary(fc.stringMatching(/^[a-z]+$/), fc.integer()),
    })
    fc.assert(
      fc.property(options, (before) => {
        const filled = filledOptions(fields, formValues(fields, before), before)
        expect(filled).toEqual({ ok: true, options: { ...before } })
      }),
    )
  })

  test('is empty where the plugin has no options', () => {
    expect(formFields({})).toEqual([])
  })
})
