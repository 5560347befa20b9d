import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pageRows, pathOf, placeOf } from './places.ts'

describe('the address of a page', () => {
  test('is the landing page where the path is empty', () => {
    expect(placeOf('/')?.page).toBe('now')
  })

  test('is no place where no page has it', () => {
    expect(placeOf('/secrets')).toBeUndefined()
  })

  test('is no place where its escapes are broken', () => {
    expect(placeOf('/messages/%E0%A4')).toBeUndefined()
  })

  test('leads back to where it came from, whatever the id is', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...pageRows.filter(({ segment }) => segment !== '')),
        fc.string({ minLength: 1, unit: 'grapheme' }),
        ({ name }, id) => {
          const { pathname } = new URL(pathOf(name, [id]), 'http://127.0.0.1')
          // A browser takes these two for steps in the path, escaped or not.
          if (id === '.' || id === '..') return
          expect(placeOf(pathname)).toMatchObject({ page: name, rest: [id] })
        },
      ),
    )
  })

  test('keeps what is asked, and leaves out what is empty', () => {
    expect(pathOf('messages', [], { sender: '@example.org', reason: '' })).toBe(
      '/messages?sender=%40example.org',
    )
    expect(placeOf('/messages', '?sender=%40example.org')?.query.get('sender')).toBe('@example.org')
  })

  test('has a key of its own', () => {
    expect(new Set(pageRows.map(({ key }) => key)).size).toBe(pageRows.length)
  })
})
