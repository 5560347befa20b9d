import fc from 'fast-check'
import { stringify } from 'yaml'
import { expect, test } from 'vitest'
import { readPolicyTests } from './policy-tests.ts'

test('a test is read with its defaults, its DNS and what it expects, by recipient too', () => {
  const { tests, mistakes } = readPolicyTests(
    'a.yaml',
    `# about
- test: one
  from: ''
  to: [a@b.test]
  dns:
    B.test.: { a: 192.0.2.1, mx: ['10 mx.b.test'] }
    '*.bl.test': none
  expect:
    mail: 250
    rcpt: { a@b.test: { code: 550, reason: X } }
    header: ['X-A: b']
`,
  )
  expect(mistakes).toEqual([])
  expect(tests).toMatchObject([
    { test: 'one', file: 'a.yaml', line: 2, from: '', client: '198.51.100.7', net: 'none' },
  ])
  expect(tests[0]?.dns).toEqual(
    new Map<string, unknown>([
      [
        'b.test',
        {
          addresses: ['192.0.2.1'],
          mx: [{ exchange: 'mx.b.test', preference: 10 }],
          txt: [],
          names: [],
        },
      ],
      ['*.bl.test', 'none'],
    ]),
  )
  expect(tests[0]?.expected.outcomes).toEqual(
    new Map([
      ['mail', { code: 250, line: 9 }],
      ['rcpt a@b.test', { code: 550, reason: 'X', line: 10 }],
    ]),
  )
  expect(tests[0]?.expected.header).toEqual([{ field: 'X-A: b', line: 11 }])
})

test('whatever a file holds, reading it throws nothing, and what is wrong has a line', () => {
  const key = fc.constantFrom('test', 'dns', 'expect', 'rcpt', 'header', 'from', 'to', 'a', 'at')
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
    ),
  }))
  fc.assert(
    fc.property(fc.oneof(tree.map(stringify), fc.string()), (text) => {
      const { mistakes } = readPolicyTests('a.yaml', text)
      for (const { line, problem } of mistakes) {
        expect(line).toBeGreaterThan(0)
        expect(problem).not.toBe('')
      }
    }),
  )
})
