import { expect, test } from 'vitest'
import type { EntryConfiguration } from '../config/configuration.ts'
import { parseTcpRules } from '../formats/tcprules.ts'
import { tcpRulesOfText } from '../formats/tcprules-lookup.ts'
import { variableDoubts } from './variable-doubts.ts'

const entry = (more: Partial<EntryConfiguration>): EntryConfiguration => ({
  name: 'one',
  plugin: 'dnsbl',
  mode: 'enforce',
  first: false,
  options: undefined,
  place: { file: 'postern.yaml', path: ['chain', 0], lineOf: () => 1 },
  ...more,
})

async function doubtsOf(rules: string, chain: readonly EntryConfiguration[] = []) {
  const tcpRules = tcpRulesOfText(parseTcpRules(Buffer.from(rules)))
  const listed = ['MAXRCPT', 'RELAYCLIENT', 'TLSCIPHERS'].map((name) => ({
    name,
    readers: [{ by: 'receiver', description: '' }],
  }))
  const doubts = await variableDoubts(
    { tcpRules, tcpRulesFile: 'tcp.smtp', chain },
    async () => listed,
  )
  return doubts.map(({ line, problem, remedy }) => `${line}: ${problem}; ${remedy}`)
}

test('a variable that is one letter off is doubtful, once, with the one that was meant', async () => {
  const rules = '10.:allow,MAXRCTP="5"\n11.:allow,MAXRCTP="6",relayclient=""\n:allow,MAXRCPT="7"\n'
  expect(await doubtsOf(rules)).toEqual([
    '1: nobody reads the variable "MAXRCTP"; did you mean MAXRCPT?',
    '2: nobody reads the variable "relayclient"; did you mean RELAYCLIENT?',
  ])
})

test('a variable that a login sets is judged by the one that it sets', async () => {
  expect(await doubtsOf(':allow,AUTH_SET_MAXRCPT="5",AUTH_UNSET_RELAYCLINT="1"\n')).toEqual([
    '1: nobody reads the variable "AUTH_UNSET_RELAYCLINT"; did you mean RELAYCLIENT?',
  ])
})

test('a variable that nobody knows is doubtful, unless a condition or a program may ask for it', async () => {
  const rules = ':allow,CUSTOMER="7"\n'
  const said = [
    '1: nobody reads the variable "CUSTOMER"; take it away, or write one that postern env lists',
  ]
  expect(await doubtsOf(rules, [entry({}), entry({ plugin: 'rcptcheck', mode: 'off' })])).toEqual(
    said,
  )
  expect(await doubtsOf(rules, [entry({ when: { environment: ['CUSTOMER=7'] } })])).toEqual([])
  expect(await doubtsOf(rules, [entry({ plugin: 'qmail-queue' })])).toEqual([])
})

test('a variable is doubtful that only an entry would read which is off or not there, unless the rule turns it off', async () => {
  const listed = ['mfcheck', 'rcptcheck'].map((by) => ({
    name: by.toUpperCase(),
    readers: [{ by, description: '', entries: [] }],
  }))
  const rules = '127.:allow,MFCHECK=""\n:allow,MFCHECK="3",RCPTCHECK="x"\n:allow,RCPTCHECK="0"\n'
  const tcpRules = tcpRulesOfText(parseTcpRules(Buffer.from(rules)))
  const chain = [entry({ name: 'senders', plugin: 'mfcheck', mode: 'off' })]
  const doubts = await variableDoubts(
    { tcpRules, tcpRulesFile: 'tcp.smtp', chain },
    async () => listed,
  )
  expect(doubts.map(({ line, remedy }) => `${line}: ${remedy}`)).toEqual([
    '2: postern enable senders, or take the variable away',
    '2: add it to the chain (- plugin: rcptcheck), or take the variable away',
  ])
})
