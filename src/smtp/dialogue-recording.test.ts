import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfStep, parseDialogueFile, stepOfBytes } from '../formats/dialogue-file.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { DialogueRecording, type DialogueRecordingOptions } from './dialogue-recording.ts'

const facts = {
  id: 'c0ffee00-1',
  startedAt: Date.UTC(2026, 10, 21),
  listener: 'mx',
  remote: { address: '192.0.2.7', port: 4711 },
}

function recorded(
  play: (recording: DialogueRecording) => void,
  options: Partial<DialogueRecordingOptions> = {},
): string {
  let text = ''
  const done = (all: string): void => void (text = all)
  const clock = fakeClock()
  play(new DialogueRecording({ facts, clock, bodies: true, maxBytes: 10_000, done, ...options }))
  return text
}

const steps = (text: string): readonly string[] =>
  parseDialogueFile(text).map((step) => `${step.word} ${step.text}`.trimEnd())

describe('a recorded dialogue', () => {
  test('has both sides, what is different each time left open', () => {
    const text = recorded((recording) => {
      recording.said('220 mx.test ESMTP\r\n')
      recording.line('EHLO c\\d', false)
      recording.said('250-mx.test\r\n250 HELP\r\n')
      recording.line('DATA', false)
      recording.said('354 Go on\r\n')
      recording.message(Buffer.from('Subject: é\r\n\r\nhal'))
      recording.message(Buffer.from('f a line \r\n.\r\n'))
      recording.said('250 2.0.0 Ok: queued as 107at8fkrnk\r\n')
      recording.said('421 4.3.2 c0ffee00-1 ended\r\n')
      recording.ended(true)
      recording.ended(false)
    })
    expect(text).toMatch(
      /^# 2026-11-21T00:00:00\.000Z, session c0ffee00-1 from 192\.0\.2\.7, listener mx\n/,
    )
    expect(steps(text)).toEqual([
      'S: 220 mx.test ESMTP',
      'C: EHLO c\\\\d',
      'S: 250-mx.test',
      'S: 250 HELP',
      'C: DATA',
      'S: 354 Go on',
      'C: Subject: \\xc3\\xa9',
      'C:',
      'C: half a line\\x20',
      'C: .',
      'S: 250 2.0.0 Ok: queued as *',
      'S: 421 4.3.2 * ended',
      'CLOSED',
    ])
  })

  test('has no message where messages are not kept, and can be played all the same', () => {
    const text = recorded(
      (recording) => {
        recording.line('DATA', false)
        recording.said('354 Go on\r\n')
        recording.message(Buffer.from('Subject: secret\r\n\r\n.\r\n'))
        recording.said('250 2.0.0 Ok\r\n')
        recording.ended(false)
      },
      { bodies: false },
    )
    expect(text).toContain('# 22 bytes of a message are not kept')
    expect(steps(text)).toEqual(['C: DATA', 'S: 354 Go on', 'C: .', 'S: 250 2.0.0 Ok'])
  })

  test.each([
    ['AUTH PLAIN c2VjcmV0', false, 'C: AUTH PLAIN ***'],
    ['auth login', false, 'C: AUTH login'],
    ['AUTH c2VjcmV0', false, 'C: AUTH ***'],
    ['AUTH  PLAIN c2VjcmV0', false, 'C: AUTH ***'],
    [' AUTH PLAIN c2VjcmV0', false, 'C: ***'],
    ['AUTH\tPLAIN c2VjcmV0', false, 'C: ***'],
    ['c2VjcmV0', true, 'C: ***'],
    ['c2VjcmV0', false, 'C: ***'],
    ['PASS c2VjcmV0', false, 'C: ***'],
    ['RSET', true, 'C: ***'],
  ])('keeps no secret of %j (in a login: %s)', (line, inLogin, step) => {
    const text = recorded((recording) => {
      recording.line(line, inLogin)
      recording.said('334 c2VjcmV0\r\n')
      recording.line(line, inLogin)
      recording.said('500 5.5.1 What is c2VjcmV0\r\n')
      recording.spoilt()
      recording.said('500 5.5.2 c2VjcmV0 is too long\r\n')
      recording.ended(false)
    })
    expect(text).not.toContain('c2VjcmV0')
    expect(steps(text)).toEqual([
      step,
      'S: 334 *',
      step,
      'S: 500 5.5.1 *',
      'C: ***',
      'S: 500 5.5.2 *',
    ])
  })

  test('is cut where it would be too large, and says so', () => {
    const text = recorded(
      (recording) => {
        for (let count = 0; count < 1000; count++) {
          recording.line('NOOP', false)
          recording.message(Buffer.alloc(500))
          recording.said('250 2.0.0 Ok\r\n')
        }
        recording.ended(true)
      },
      { maxBytes: 5_000 },
    )
    expect(text.length).toBeLessThan(5_100)
    expect(text).toMatch(/# what followed is not kept\n$/)
    expect(() => parseDialogueFile(text)).not.toThrow()
  })

  test('gives back any bytes', () => {
    const bytes = fc.uint8Array().map((all) => Buffer.from(all).toString('latin1'))
    fc.assert(
      fc.property(bytes, (text) => {
        expect(bytesOfStep(stepOfBytes(text))).toBe(text)
      }),
    )
  })
})
