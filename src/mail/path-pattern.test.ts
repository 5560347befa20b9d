import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isMeantPath, PathPatterns } from './path-pattern.ts'

const label = fc.constantFrom('a', 'B', 'münchen', 'xn--mnchen-3ya')
const domain = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
const localPart = fc.constantFrom('ann', 'Ann', 'a b', 'x@y')
const mailbox = fc.record({ localPart, domain })
const address = fc.tuple(fc.constantFrom('ann', 'ANN', '"a b"'), domain)
const pattern = fc.oneof(
  fc.constantFrom('<>', '', '@', '@.', 'ann'),
  domain.map((each) => `@${each}`),
  domain.map((each) => `@.${each}`),
  address.map(([local, at]) => `${local}@${at}`),
  address.map(([local, at]) => `<${local}@${at}>`),
)

test('many patterns as one question mean what each of them means', () => {
  fc.assert(
    fc.property(fc.array(pattern), fc.option(mailbox), (wanted, path) => {
      const one = wanted.some((each) => isMeantPath(path, each))
      expect(new PathPatterns(wanted).mean(path)).toBe(one)
    }),
    { numRuns: 2000 },
  )
})
