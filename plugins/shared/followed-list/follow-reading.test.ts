import { expect, test } from 'vitest'
import { FileMistakes, parseSimcontrol } from 'postern/plugin'
import { memoryFiles, recordingLog } from 'postern/testkit'
import { followReading } from './follow-reading.ts'

test('a file with mistakes is refused with all of them at the start, and changes nothing later', () => {
  const files = memoryFiles({ list: 'a:clam=maybe\nb:spam=yes\nc:virus=yes\n' })
  const log = recordingLog()
  const follow = () => followReading(files.file('list'), parseSimcontrol, log)
  let thrown: unknown
  try {
    follow()
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(FileMistakes)
  expect(thrown).toMatchObject({ path: 'list', mistakes: [{ line: 1 }, { line: 3 }] })

  files.set('list', 'a:clam=yes\n')
  const live = follow()
  files.set('list', 'nothing\n')
  expect([...live.current.keys()]).toEqual(['a'])
  expect(log.events).toMatchObject([{ event: 'list.not-taken', fields: { path: 'list', line: 1 } }])
})
