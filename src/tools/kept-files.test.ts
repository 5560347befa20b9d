import { expect, test } from 'vitest'
import { KeptFiles } from './kept-files.ts'

test('what has changed between two times that it was read is not the same, whatever it is now', () => {
  let text = 'one'
  const files = new KeptFiles({ readFileNow: () => Buffer.from(text) })
  files.readFileNow('me')
  files.readFileNow('me')
  expect(files.areTheSame()).toBe(true)
  text = 'two'
  files.readFileNow('me')
  expect(files.areTheSame()).toBe(false)
  text = 'one'
  expect(files.areTheSame()).toBe(false)
})
