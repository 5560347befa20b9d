import { describe, expect, test } from 'vitest'
import { parseJson, type JsonValue } from '../mail/json.ts'
import { answerJson, DoorRecorder, sharedNotes, StepNotes } from './step-notes.ts'

describe('what a step learned from its doors', () => {
  test('is what was answered, whatever becomes of it in the hands of who asked', () => {
    const notes = new StepNotes()
    const answer: JsonValue[] = [1, 2]
    notes.keep('get things key', answer)
    answer.push(3)
    expect(parseJson(notes.pack())).toEqual([['get things key', [1, 2]]])
  })

  test('is not kept in part: where one answer is too long, all are missing', () => {
    const notes = new StepNotes()
    notes.keep('T a.test', ['short'])
    const later = notes.ask('T c.test')
    notes.keep('T b.test', ['x'.repeat(5000)])
    later(['late'])
    expect(parseJson(notes.pack())).toEqual([['!', 'too much was answered']])
    expect(notes.size).toBeLessThanOrEqual(4096)
  })

  test('is in order, what is kept once for many steps among the rest', () => {
    const notes = new StepNotes()
    const wait = notes.ask('4 a.test')
    notes.adopt(sharedNotes([]))
    notes.adopt(
      sharedNotes([
        { question: 'T "b".test', answer: ['one', 'two'] },
        { question: 'now', answer: 'failed' },
      ]),
    )
    notes.keepJson('M c.test', answerJson([{ exchange: 'mx.test', preference: 10 }]))
    wait(null)
    expect(parseJson(notes.pack())).toEqual([
      ['4 a.test', null],
      ['T "b".test', ['one', 'two']],
      ['now', 'failed'],
      ['M c.test', [{ exchange: 'mx.test', preference: 10 }]],
    ])
  })

  test('ends with the step: what is answered later has not been heard', () => {
    const notes = new StepNotes()
    const late = notes.ask('P 192.0.2.1')
    notes.end()
    late(['a.test'])
    expect(parseJson(notes.pack())).toEqual([['P 192.0.2.1']])
  })
})

test('where answers are not kept nobody is followed, whatever door is taken', () => {
  const recorder = new DoorRecorder(false)
  recorder.use()
  expect([recorder.isUsed, recorder.begin(), recorder.end(undefined)]).toEqual([
    false,
    undefined,
    undefined,
  ])
})

describe('a recorder of steps', () => {
  const later = async (): Promise<void> => Promise.resolve()
  const packed = (recorder: DoorRecorder, notes: StepNotes | undefined): JsonValue | undefined =>
    parseJson(recorder.end(notes)?.pack() ?? '[]')
  /** A step that asks before its first wait, and one that asks behind it. */
  const early = (recorder: DoorRecorder): JsonValue | undefined => {
    const notes = recorder.begin()
    if (notes !== undefined) recorder.run(notes, () => recorder.asking?.keep('early', 1))
    return packed(recorder, notes)
  }
  const late = async (recorder: DoorRecorder): Promise<JsonValue | undefined> => {
    const notes = recorder.begin()
    await (notes &&
      recorder.run(notes, async () => {
        await later()
        recorder.asking?.keep('late', 2)
      }))
    return packed(recorder, notes)
  }

  test('tells steps apart that ask at the same time behind their waits', async () => {
    const recorder = new DoorRecorder()
    recorder.use()
    const both = await Promise.all([late(recorder), late(recorder)])
    expect(both).toEqual([[['late', 2]], [['late', 2]]])
  })

  test('says that notes are missing where a step asks late when none has done so for long', async () => {
    const recorder = new DoorRecorder()
    recorder.use()
    for (let step = 0; step <= 1_000; step++) expect(early(recorder)).toEqual([['early', 1]])
    expect(await late(recorder)).toEqual([['!', 'it was not followed']])
    expect(await late(recorder)).toEqual([['late', 2]])
  })
})
