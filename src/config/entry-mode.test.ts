import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { withEntryAfter, withEntryMode } from './entry-mode.ts'

const text = `# ours
chain: # in order
  - plugin: first   # needs nothing
    options: { a: 1 }
  - plugin: second
    mode: off   # for now
  - {plugin: third, first: true}
  - name: other
    plugin: first # once more

log: { level: 'info' }
`

describe('the mode of an entry', () => {
  test('is changed where it stands, and nothing else is', () => {
    expect(withEntryMode(text, 'second', 'enforce')).toBe(
      text.replace('mode: off   # for now', 'mode: enforce   # for now'),
    )
  })

  test('is added below the plugin where there is none', () => {
    expect(withEntryMode(text, 'first', 'off')).toBe(
      text.replace('# needs nothing\n', '# needs nothing\n    mode: off\n'),
    )
    expect(withEntryMode(text, 'other', 'shadow')).toBe(
      text.replace('# once more\n', '# once more\n    mode: shadow\n'),
    )
    expect(withEntryMode(text, 'third', 'off')).toBe(
      text.replace('plugin: third,', 'plugin: third, mode: off,'),
    )
    expect(withEntryMode('chain:\n- plugin: a', 'a', 'off')).toBe(
      'chain:\n- plugin: a\n  mode: off',
    )
  })

  test('of an entry that is not there, or of no chain, is not changed', () => {
    for (const yaml of [text, '', 'chain: 3', 'chain: [a, { b: c }]', '[]']) {
      expect(withEntryMode(yaml, 'nobody', 'off')).toBeUndefined()
    }
  })

  test('that was written is the mode that is read, in whatever chain', () => {
    const entries = fc.array(
      fc.record({
        plugin: fc.stringMatching(/^[a-z]{3,8}$/),
        mode: fc.constantFrom(undefined, 'off', 'enforce', '"shadow"'),
        flow: fc.boolean(),
        comment: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    )
    const modes = fc.constantFrom('off' as const, 'enforce' as const, 'shadow' as const)
    fc.assert(
      fc.property(entries, modes, fc.nat(), (chain, mode, choice) => {
        const lines = chain.flatMap(({ plugin, mode: given, flow, comment }) => {
          const own = given === undefined ? [] : [`mode: ${given}`]
          const remark = comment ? ' # why' : ''
          return flow
            ? [`  - { ${[`plugin: ${plugin}`, ...own].join(', ')} }${remark}`]
            : [`  - plugin: ${plugin}${remark}`, ...own.map((line) => `    ${line}${remark}`)]
        })
        const yaml = `chain:\n${lines.join('\n')}\n`
        const { plugin = '' } = chain[choice % chain.length] ?? {}
        const index = chain.findIndex((each) => each.plugin === plugin)
        const changed = withEntryMode(yaml, plugin, mode) ?? ''
        const before = (parse(yaml) as { chain: object[] }).chain
        const after = (parse(changed) as { chain: object[] }).chain
        expect(after).toEqual(
          before.map((entry, at) => (at === index ? { ...entry, mode } : entry)),
        )
      }),
    )
  })
})

test('an entry is added behind another, with its indent, and nothing else changes', () => {
  const text =
    'chain:\n  - plugin: one\n    mode: off # why\n  # about two\n  - plugin: two # here\nlog: {}\n'
  expect(withEntryAfter(text, 'one', 'new')).toBe(
    text.replace('  # about', '  - plugin: new\n  # about'),
  )
  expect(withEntryAfter(text, 'two', 'new')).toBe(text.replace('log:', '  - plugin: new\nlog:'))
  expect(withEntryAfter('chain:\n- plugin: one', 'one', 'new')).toBe(
    'chain:\n- plugin: one\n- plugin: new\n',
  )
  expect(withEntryAfter(text, 'three', 'new')).toBeUndefined()
  expect(withEntryAfter('chain: [{ plugin: one }]\n', 'one', 'new')).toBeUndefined()
})
