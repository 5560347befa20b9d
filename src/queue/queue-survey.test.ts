import { expect, test } from 'vitest'
import { addSurveys, surveyStates, type QueueSurvey } from './queue-survey.ts'

const head = { id: 'q', dueAt: 0, sizeBytes: 1 }

test('a survey counts messages by their state, and knows the oldest of each', () => {
  const states = surveyStates([
    { ...head, receivedAt: 30, tries: 0, held: false },
    { ...head, receivedAt: 20, tries: 0, held: false },
    { ...head, receivedAt: 10, tries: 3, held: false },
    { ...head, receivedAt: 5, tries: 3, held: true },
  ])
  expect(states).toEqual({
    fresh: { messages: 2, oldestAt: 20 },
    deferred: { messages: 1, oldestAt: 10 },
    held: { messages: 1, oldestAt: 5 },
  })
})

test('several spools are one', () => {
  const survey = (receivedAt: number): QueueSurvey => ({
    states: surveyStates([{ ...head, receivedAt, tries: 0, held: false }]),
    segments: 2,
    logBytes: 100,
    liveBytes: 10,
  })
  expect(addSurveys([survey(7), survey(3)])).toEqual({
    states: {
      fresh: { messages: 2, oldestAt: 3 },
      deferred: { messages: 0 },
      held: { messages: 0 },
    },
    segments: 4,
    logBytes: 200,
    liveBytes: 20,
  })
})
