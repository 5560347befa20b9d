import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Matchup } from './matchup.ts'
import { formatRecord, parseRecord } from './records.ts'

const records = (lines: readonly string[], most?: number): readonly string[] => {
  const matchup = new Matchup(most)
  return lines.flatMap((line) => {
    const record = matchup.line(line)
    return record === undefined ? [] : [formatRecord(record)]
  })
}

const queued = {
  level: 'info',
  time: 1_795_289_788_916,
  event: 'message.queued',
  queueId: '107at8fkrnk',
  reversePath: '<Ann@client.test>',
  sizeBytes: 145,
}
const delivered = {
  level: 'info',
  time: 1_795_289_788_989,
  event: 'delivery.delivered',
  queueId: '107at8fkrnk',
  delivery: 1,
  channel: 'local',
  recipient: 'Bob@here.test',
  text: 'Delivered to the Maildir',
  durationMs: 65,
}

describe('matchup', () => {
  test("reads Postern's JSON as it reads qmail-send's lines", () => {
    const ended = {
      level: 'info',
      time: 1_795_289_789_000,
      event: 'message.ended',
      queueId: queued.queueId,
    }
    const lines = [queued, delivered, { event: 'other' }, ended].map((event) =>
      JSON.stringify(event),
    )
    expect(records(lines)).toEqual([
      'd k 1795289788.916 1795289788.924 1795289788.989 145 <ann@client.test> local.bob@here.test 107at8fkrnk 0 Delivered_to_the_Maildir/',
      'm 1795289788.916 1795289789.000 145 1 0 0 <ann@client.test> 107at8fkrnk 0',
    ])
  })

  test.each([
    ['@400000003b9aca0d00000bb8 ', '1000000003.000003000'],
    ['1000000003.000003 ', '1000000003.000003'],
    ['Aug  1 05:30:08 host qmail: 1000000003.000003 ', '1000000003.000003'],
  ])('reads lines behind %s', (stamp, time) => {
    const said = ['starting delivery 1: msg 5 to local Joe@t', 'delivery 1: success: did_1+0+0/']
    expect(records(said.map((line) => stamp + line))).toEqual([
      `d k ${time} ${time} ${time} 0 ? local.joe@t ? ? did_1+0+0/`,
    ])
  })

  test('forgets the oldest of too many, and the rest is right', () => {
    const starts = [1, 2, 3].map((number) => `1.0 starting delivery ${number}: msg 1 to local a@t`)
    const ends = [1, 2, 3].map((number) => `2.0 delivery ${number}: success: ok/`)
    expect(records([...starts, ...ends], 2)).toHaveLength(2)
  })

  test('hands on what is pending to a later run', () => {
    const first = [
      '1.0 info msg 5: bytes 9 from <A@t> qp 7 uid 8',
      '1.5 starting delivery 1: msg 5 to local Joe@t',
    ]
    const matchup = new Matchup()
    for (const line of first) matchup.line(line)
    const second = ['2.0 delivery 1: failure: no/', '3.0 end msg 5']
    expect(records([...matchup.pending(), ...second])).toEqual(records([...first, ...second]))
  })

  test('takes any line, and understands its own', () => {
    const words = fc.constantFrom(
      'starting',
      'delivery',
      'info',
      'end',
      'msg',
      '1:',
      '1',
      'extra',
      'd',
      'k',
      '{',
      '@4',
    )
    const line = fc.oneof(
      fc.string(),
      fc.array(words).map((all) => all.join(' ')),
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const matchup = new Matchup(3)
        for (const each of lines) {
          const record = matchup.line(each)
          if (record?.kind !== 'delivery' && record?.kind !== 'message') continue
          expect(parseRecord(formatRecord(record))).toBeDefined()
        }
        expect([...matchup.pending()].length).toBeLessThanOrEqual(9)
      }),
    )
  })
})
