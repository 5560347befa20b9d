import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../mail/json.ts'
import { DoorRecorder, StepNotes } from './step-notes.ts'

describe('what a step learned from its doors', () => {
  test('is what was answered, whatever becomes of it in the hands of who asked', () => {
    const notes = new StepNotes()
    const answer: JsonValue[] = [1, 2]
    notes.keep('get things key', answer)
    answer.push(3)
    expect(notes.pack()).toEqual([['get things key', [1, 2]]])
  })

  test('is not kept in part: where one answer is too long, all are missing', () => {
    const notes = new StepNotes()
    notes.keep('T a.test', ['short'])
    const later = notes.ask('T c.test')
    notes.keep('T b.test', ['x'.repeat(5000)])
    later(['late'])
    expect(notes.pack()).toEqual([['!', 'too much was answered']])
    expect(notes.size).toBeLessThanOrEqual(4096)
  })

  test('ends with the step: what is answered later has not been heard', () => {
    const notes = new StepNotes()
    const late = notes.ask('P 192.0.2.1')
    notes.end()
    late(['a.test'])
    expect(notes.pack()).toEqual([['P 192.0.2.1']])
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
