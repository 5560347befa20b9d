import { describe, expect, test } from 'vitest'
import { emptyEnvironment } from '../mail/environment.ts'
import type { ConditionShape } from '../plugin/condition.ts'
import { applicability, compileCondition, type Circumstances } from './condition.ts'

const recipient = (localPart: string, domain: string) => ({ mailbox: { localPart, domain } })
const known: Circumstances = {
  listener: 'mx',
  address: '192.0.2.7',
  environment: { variables: new Map([['SIZE', 'big']]), source: 'tcp.smtp:1' },
  authenticated: false,
  relayClient: false,
  allowed: false,
  recipient: recipient('Bob', 'Example.ORG'),
}
const early: Circumstances = {
  ...known,
  environment: emptyEnvironment,
  authenticated: undefined,
  relayClient: undefined,
  allowed: undefined,
  recipient: undefined,
}

function judge(shape: ConditionShape, circumstances: Circumstances): boolean | undefined {
  const compiled = compileCondition(shape, new Set(['mx', 'submission']))
  if (!('test' in compiled)) throw new Error(JSON.stringify(compiled.mistakes))
  return compiled.test(circumstances)
}

describe('a condition', () => {
  test.each<[ConditionShape, boolean]>([
    [{ listener: ['mx'] }, true],
    [{ listener: ['submission'] }, false],
    [{ listener: ['submission', 'mx'] }, true],
    [{ authenticated: false }, true],
    [{ authenticated: true }, false],
    [{ relay_client: true }, false],
    [{ allowed: true }, false],
    [{ allowed: false }, true],
    [{ network: ['192.0.2.0/24'] }, true],
    [{ network: ['2001:db8::/32'] }, false],
    [{ environment: ['SIZE'] }, true],
    [{ environment: ['SIZE=big'] }, true],
    [{ environment: ['SIZE=small', 'OTHER'] }, false],
    [{ recipient: ['bob@example.org'] }, true],
    [{ recipient: ['alice@example.org'] }, false],
    [{ recipient: ['BOB@'] }, true],
    [{ recipient: ['alice@', 'bob'] }, false],
    [{ recipient_domain: ['example.org'] }, true],
    [{ recipient_domain: ['.example.org'] }, false],
    [{ recipient_domain: ['.org'] }, true],
    [{ listener: ['mx'], authenticated: true }, false],
    [{ listener: ['mx'], network: ['192.0.2.7'] }, true],
    [{}, true],
  ])('%j holds: %s', (shape, holds) => {
    expect(judge(shape, known)).toBe(holds)
  })

  test.each<[ConditionShape, boolean | undefined]>([
    [{ authenticated: true }, undefined],
    [{ relay_client: false }, undefined],
    [{ allowed: true }, undefined],
    [{ recipient: ['bob@example.org'] }, undefined],
    [{ recipient_domain: ['example.org'] }, undefined],
    [{ listener: ['submission'], authenticated: true }, false],
    [{ listener: ['mx'], authenticated: true }, undefined],
  ])('%j, while login and recipient are not known: %s', (shape, holds) => {
    expect(judge(shape, early)).toBe(holds)
  })
})

describe('when and unless together', () => {
  const yes = () => true
  const no = () => false
  const unknown = () => undefined

  test.each([
    [[], [], 'everybody'],
    [[yes], [], true],
    [[yes], [yes], false],
    [[yes], [no], true],
    [[no], [no], false],
    [[], [unknown], undefined],
    [[no], [unknown], false],
    [[yes], [unknown], undefined],
    [[no, yes], [], true],
    [[no, unknown], [], undefined],
    [[], [no, yes], false],
    [[], [unknown, yes], false],
    [[], [no, unknown], undefined],
  ])('%o and %o', (when, unless, applies) => {
    const both = applicability({ when, unless, asksAllowed: false })
    expect(both === undefined ? 'everybody' : both.judge(known)).toBe(applies)
  })
})
