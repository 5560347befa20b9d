/**
 * What the real qmail-remote (netqmail 1.06) made of 68 next hops, against our SMTP client: what becomes of each
 * recipient. Words differ, and are meant to. Where the outcome does, the reason stands beside the name.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { DeliveryResult } from '../../src/mail/delivery-result.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { address, settle, stage } from '../../src/testkit/next-hop-stage.ts'
import { scriptedHop, type HopAnswers } from '../../src/testkit/scripted-hop.ts'

interface Vector {
  readonly name: string
  /** What the next hop says otherwise, with its line end; `CLOSE`, `HANG`, or nothing at all. */
  readonly server: Readonly<Record<string, string | readonly string[]>>
  readonly argv: readonly string[]
  readonly msg: string
  /** A letter for each recipient that was asked for, then one for the message. */
  readonly report: readonly string[]
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../fixtures/qmail/qmail-remote.json', import.meta.url), 'utf8'),
)

/** Asked of other parts of ours, with tests of their own. */
const elsewhere = new Set([
  // The next hop speaks in the middle of the message, which a scripted hop does not.
  'middata-554',
])

function answersOf({ server }: Vector): HopAnswers {
  const said = (step: string): string | undefined => {
    const words = server[step]
    return typeof words === 'string' ? spoken(words) : undefined
  }
  const { rcpt } = server
  let asked = 0
  const given = {
    greeting: said('greet'),
    EHLO: said('ehlo'),
    HELO: said('helo'),
    MAIL: said('mail'),
    DATA: said('data') ?? '354 go ahead',
    message: said('dot'),
    RCPT: Array.isArray(rcpt) ? () => spoken(String(rcpt[asked++ % rcpt.length])) : '250 ok',
  }
  return Object.fromEntries(
    Object.entries(given).flatMap(([step, answer]) =>
      answer === undefined ? [] : [[step, answer]],
    ),
  )
}

function spoken(words: string): string {
  if (words === 'HANG') return 'silence'
  return words === 'CLOSE' || words === '' ? 'hang-up' : words.replace(/\r\n$/, '')
}

async function attempted(vector: Vector): Promise<readonly DeliveryResult[]> {
  const hop = scriptedHop({ extensions: ['8BITMIME'], answers: answersOf(vector) })
  const refuses = vector.name === 'connrefused'
  const to = vector.argv.slice(2).map((each) => each.slice(0, each.lastIndexOf('@')))
  const staged = stage({
    hosts: refuses ? {} : { [`${address}:2525`]: hop.accepted },
    to,
    message: memoryMessage(Buffer.from(vector.msg.replaceAll('\n', '\r\n'), 'latin1')),
    envelope: { bodyType: '8bitmime', smtputf8: false },
  })
  let results: readonly DeliveryResult[] | undefined
  void staged.results.then((all) => (results = all))
  for (let minute = 0; results === undefined && minute < 120; minute++) {
    await settle()
    if (results === undefined) staged.clock.advance(60_000)
  }
  return results ?? []
}

type Result = DeliveryResult['outcome']

/** What qmail-send makes of the letters: of a recipient that was taken, what became of the message. */
function outcomesOf({ report, argv }: Vector): readonly Result[] {
  const asked = report.slice(0, -1).map((line) => line.charAt(0))
  const last = report.at(-1)?.charAt(0)
  const message: Result = last === 'K' ? 'delivered' : last === 'D' ? 'failed' : 'deferred'
  return argv.slice(2).map((_, index) => {
    if (asked[index] === 'h') return 'failed'
    return asked[index] === 's' ? 'deferred' : message
  })
}

interface Difference {
  readonly why: string
  readonly outcomes: readonly Result[]
}

const noCode =
  'what has no code of three digits is no reply (RFC 5321 §4.2): nobody knows what was meant'
const noData = 'only 354 lets a message follow (RFC 5321 §4.3.2); it is kept, and tried again'
const noEnd = 'a missing line end is added, not bounced'

/** By the beginning of a name, why something else becomes of it, and what. */
const otherwise: readonly (readonly [name: string, Difference])[] = [
  ["mail:'25\\r", { why: noCode, outcomes: ['deferred'] }],
  ["data:'25\\r", { why: noCode, outcomes: ['deferred'] }],
  ["dot:'25\\r", { why: noCode, outcomes: ['deferred'] }],
  ["data:'220 huh", { why: noData, outcomes: ['deferred'] }],
  ["data:'250\\r", { why: noData, outcomes: ['deferred'] }],
  [
    'quotedrcpt',
    {
      why: 'a local-part that is not ASCII is not told to a host without SMTPUTF8 (RFC 6531 §3.2)',
      outcomes: ['delivered', 'delivered', 'delivered', 'failed'],
    },
  ],
  ['body:noeol', { why: noEnd, outcomes: ['delivered'] }],
  ['body:dot-noeol', { why: noEnd, outcomes: ['delivered'] }],
]

function differenceFor({ name }: Vector): Difference | undefined {
  return otherwise.find(([beginning]) => name.startsWith(beginning))?.[1]
}

describe('qmail-remote', () => {
  test('is known by 68 vectors', () => {
    expect(vectors).toHaveLength(68)
  })

  test('differs only where it says so', () => {
    const same = vectors.filter((vector) => {
      const difference = differenceFor(vector)?.outcomes
      return difference !== undefined && String(difference) === String(outcomesOf(vector))
    })
    expect(same).toEqual([])
    const named = otherwise.map(([beginning]) => beginning)
    const unknown = named.filter((each) => !vectors.some(({ name }) => name.startsWith(each)))
    expect(unknown).toEqual([])
  })

  test.each(
    vectors
      .filter(({ name }) => !elsewhere.has(name))
      .map((vector, index) => [`${index} ${vector.name.slice(0, 60)}`, vector] as const),
  )('%s', async (_, vector) => {
    const results = await attempted(vector)
    const expected = differenceFor(vector)?.outcomes ?? outcomesOf(vector)
    expect(results.map(({ outcome }) => outcome)).toEqual(expected)
  })
})
