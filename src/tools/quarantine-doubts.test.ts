import { expect, test } from 'vitest'
import { digestLinkDoubts } from './quarantine-doubts.ts'

const doubtsOf = (linkBase: string): readonly string[] =>
  digestLinkDoubts(
    {
      quarantine: {
        notify: [],
        virusEntries: [],
        digest: { to: ['*'], hour: 7, except: [], linkLifetimeMs: 1000, keyFile: '/key', linkBase },
      },
    },
    'postern.yaml',
  ).map(({ remedy }) => remedy)

test.each([
  ['https://mx.test/quarantine', []],
  ['https://mx.test/mail/quarantine', []],
  ['http://127.0.0.1:8025/quarantine', []],
  ['http://[::1]/quarantine', []],
  ['https://mx.test', ['write https://mx.test/quarantine']],
  ['http://mx.test/quarantine', ['write https://mx.test/quarantine']],
  ['http://127.mx.test/quarantine', ['write https://127.mx.test/quarantine']],
])('links of digests that lead to %s are doubted: %j', (linkBase, remedies) => {
  expect(doubtsOf(linkBase)).toEqual(remedies)
})
