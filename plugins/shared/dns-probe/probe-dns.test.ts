import { expect, test } from 'vitest'
import { fakeDns } from 'postern/testkit'
import { probeDns } from './probe-dns.ts'

const { signal } = new AbortController()

test('A DNS that answers is well, whatever it says of a name', async () => {
  expect(await probeDns(fakeDns(), signal)).toBe('the DNS answers')
})

test.each([
  ['does not answer', { 'example.org': 'fails' }, /example\.org; see dns\.servers/],
  [
    'has addresses for names that do not exist',
    { 'postern-probe.invalid': { addresses: ['203.0.113.80'] } },
    /203\.0\.113\.80 of postern-probe\.invalid/,
  ],
] as const)('One that %s is not', async (_, zones, problem) => {
  await expect(probeDns(fakeDns(zones), signal)).rejects.toThrow(problem)
})
