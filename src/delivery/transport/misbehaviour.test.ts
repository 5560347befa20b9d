/** A next hop that fails in every way at every step: nobody is called delivered to whom nothing was taken for. */
import { describe, expect, test } from 'vitest'
import { address, settle, stage } from '../../testkit/next-hop-stage.ts'
import { scriptedHop, type HopAnswers, type HopStep } from '../../testkit/scripted-hop.ts'

const steps = ['greeting', 'EHLO', 'STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'message'] as const
type Step = (typeof steps)[number]

/** What the hop says instead, and how the result shows it. */
const misdeeds: readonly (readonly [what: string, text: string, shown: string])[] = [
  ['says 421', '421 4.3.2 Going down', 'Going down'],
  ['says 421 in several lines', '421-4.3.2 Going\r\n421 4.3.2 down', 'down'],
  ['says 451', '451 4.3.0 Not now', 'Not now'],
  ['says what is no reply', 'HTTP/1.1 400 Bad Request', 'no reply'],
  ['says nothing but blanks', '   ', 'no reply'],
  ['says 199', '199 What?', 'no reply'],
  ['ends a line in a bare LF', '250 one\n250 two', 'bare LF'],
  ['gives a reply of several codes', '250-one\r\n550 two', 'several codes'],
  ['says nothing in a very long line', 'x'.repeat(5_000), 'no reply'],
  ['never ends a reply', '250-more\r\n'.repeat(200), 'too many lines'],
  ['hangs up', 'hang-up', ''],
]

const modes: readonly (readonly string[])[] = [[], ['PIPELINING'], ['CHUNKING', 'PIPELINING']]

/** The extensions under which the step is reached. */
function extensionsFor(step: Step, mode: readonly string[]): readonly string[] {
  return [...mode, ...(step === 'STARTTLS' ? ['STARTTLS'] : []), 'AUTH PLAIN']
}

const login = { user: 'u', password: { reveal: () => 'secret' }, withoutTls: true }

async function meet(answers: HopAnswers, step: Step, mode: readonly string[]) {
  const hop = scriptedHop({ extensions: extensionsFor(step, mode), answers })
  const route = {
    transport: 'smtp',
    key: 'relay',
    lookup: 'host',
    host: address,
    port: 2525,
    ...(step === 'AUTH' ? { login } : {}),
  } as const
  const scene = stage({
    hosts: { [`${address}:2525`]: hop.accepted },
    to: ['bob', 'cid'],
    route,
    ...(step === 'STARTTLS' ? { settings: { tlsPolicy: () => ({ level: 'encrypt' }) } } : {}),
  })
  const results = await scene.results
  await settle()
  return { hop, results, open: scene.net.open }
}

describe.each(modes)('a next hop (%s)', (...mode) => {
  const reached = steps.filter((step) => step !== 'DATA' || !mode.includes('CHUNKING'))
  const cases = reached.flatMap((step) => misdeeds.map((misdeed) => [step, ...misdeed] as const))

  test.each(cases)(
    'that at %s %s has taken nothing: all is deferred',
    async (step, _, text, shown) => {
      const { hop, results, open } = await meet({ [step]: text }, step, mode)
      expect(results.map(({ outcome }) => outcome)).toEqual(['deferred', 'deferred'])
      expect(results[0]?.text).toContain(shown)
      expect(results[0]?.text).not.toContain('secret')
      // What begins with 250 the fake has taken for good; sending it again is what at-least-once means.
      expect(step === 'message' ? [] : hop.taken).toEqual([])
      expect(open).toBe(0)
    },
  )

  test.each(reached.filter((step) => step !== 'greeting' && step !== 'message'))(
    'that at %s says more than it was asked is not understood: nothing is taken, or it says so',
    async (step) => {
      const yes: Partial<Record<HopStep, string>> = {
        EHLO: `250-hop\r\n${extensionsFor(step, mode)
          .map((each) => `250-${each}`)
          .join('\r\n')}\r\n250 HELP`,
        STARTTLS: '220 Go',
        AUTH: '235 Ok',
        DATA: '354 Go',
      }
      const stray = `${yes[step] ?? '250 Ok'}\r\n250 2.0.0 Taken\r\n250 2.0.0 Taken`
      const { hop, results, open } = await meet({ [step]: stray }, step, mode)
      const delivered = results.some(({ outcome }) => outcome === 'delivered')
      expect(delivered).toBe(false)
      expect(hop.taken).toEqual([])
      expect(open).toBe(0)
    },
  )
})
