import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { withEntryEdit } from './entry-edit.ts'

const text = `# ours
chain:
  - plugin: lists # by hand
    mode: off
  - plugin: dnsbl
    options: # what is asked
      lists: ['zen.example=127.0.0.[2..11]'] # the good one
      # it takes a while
      timeout: 5s
  - { plugin: spf, options: { level: "3" } }
# the end
spool: { path: ../var/spool }
`

describe('an edit of an entry', () => {
  test('changes one option and no other byte', () => {
    const edited = withEntryEdit(text, 'dnsbl', {
      options: { lists: ['zen.example=127.0.0.[2..11]'], timeout: '9s' },
    })
    expect(edited).toBe(text.replace('timeout: 5s', 'timeout: 9s'))
  })

  test('adds and takes away options, and keeps the comments of the others', () => {
    const edited = withEntryEdit(text, 'dnsbl', {
      options: { lists: ['zen.example=127.0.0.[2..11]'], reject_text: 'no: "never" # really' },
    })
    expect(edited).toBe(
      text.replace(
        '      # it takes a while\n      timeout: 5s',
        `      reject_text: 'no: "never" # really'\n      # it takes a while`,
      ),
    )
  })

  test('gives options to an entry that has none', () => {
    expect(withEntryEdit(text, 'lists', { options: { file: 'tables/x' } })).toBe(
      text.replace('    mode: off\n', '    mode: off\n    options: { file: tables/x }\n'),
    )
  })

  test('turns an entry on, and says how long it may take', () => {
    expect(withEntryEdit(text, 'lists', { mode: 'shadow', timeout: '3s' })).toBe(
      text.replace('    mode: off\n', '    mode: shadow\n    timeout: 3s\n'),
    )
  })

  test('reaches entries that are written on one line', () => {
    expect(withEntryEdit(text, 'spf', { options: { level: '2' } })).toContain(
      '- { plugin: spf, options: { level: "2" } }',
    )
  })

  test('of an entry that is not there is none', () => {
    expect(withEntryEdit(text, 'nobody', { mode: 'off' })).toBeUndefined()
  })

  test('gives what was meant, whatever the options are, and keeps the comment at the end', () => {
    const options = fc.dictionary(
      fc.stringMatching(/^[a-z_]{1,8}$/),
      fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null),
      { maxKeys: 4 },
    )
    fc.assert(
      fc.property(options, fc.constantFrom('lists', 'dnsbl', 'spf'), (given, name) => {
        const clean: typeof given = JSON.parse(JSON.stringify(given))
        const edited =
          withEntryEdit(text, name, { options: JSON.parse(JSON.stringify(clean)) }) ?? ''
        const { chain } = parse(edited)
        const entry = chain.find(({ plugin }: { plugin: string }) => plugin === name)
        expect(entry.options ?? {}).toEqual(clean)
        expect(edited).toContain('# the end')
      }),
    )
  })
})
