import { expect, test } from 'vitest'
import { parseTcpRules } from '../formats/tcprules.ts'
import { tcpRulesOfText } from '../formats/tcprules-lookup.ts'
import { ruleDoubts } from './rule-doubts.ts'

test.each([
  [
    'matches nobody where no listener asks by ident',
    {},
    [{ line: 2, remedy: expect.stringMatching(/^write ident: 10s/) }],
  ],
  ['is right where one does', { identMs: 10_000 }, []],
  ['is right where tcpserver may have asked', { handOver: true }, []],
])('a rule for user@ %s', (_, listener, doubts) => {
  const tcpRules = tcpRulesOfText(
    parseTcpRules(Buffer.from('192.0.2.1:deny\njoe@192.0.2.1:allow\n')),
  )
  const listeners = [{ name: 'mx', handOver: false, ...listener }]
  const generation = { entries: [], settingsOf: () => expect.unreachable() }
  expect(ruleDoubts({ tcpRules, tcpRulesFile: 'tcp.smtp', listeners }, generation)).toMatchObject(
    doubts,
  )
})
