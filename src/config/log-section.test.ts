import { expect, test } from 'vitest'
import { memoryFiles } from '../testkit/memory-files.ts'
import { parseConfigDocument } from './document.ts'
import { plainLog, readLog, type LogSettings } from './log-section.ts'
import { isMap, Reading } from './reading.ts'

function read(yaml: string): { readonly found: LogSettings; readonly mistakes: readonly string[] } {
  const { document } = parseConfigDocument('postern.yaml', yaml)
  if (document === undefined || !isMap(document.value)) throw new Error('no map')
  const reading = new Reading(document, memoryFiles())
  const found = readLog(reading, document.value, (path) => `/etc/postern/${path}`)
  return { found, mistakes: reading.mistakes.map(({ key, problem }) => `${key} ${problem}`) }
}

test('without a section the log is JSON on the standard error', () => {
  expect(read('tls: {}')).toEqual({ found: plainLog, mistakes: [] })
})

test('the log may go to several places, each in a form of its own', () => {
  const { found, mistakes } = read(`
log:
  level: warn
  to: postern.log
  also:
    - { to: qmail-send, format: qmail-send, files: 20, file_bytes: 1MB }
    - { to: stdout, format: qmail, stamps: false }
    - { to: all, level: debug, files: 5 }`)
  expect(mistakes).toEqual([])
  const folder = { files: 20, fileBytes: 1024 * 1024 }
  expect(found.outputs).toEqual([
    { level: 'warn', format: 'json', to: '/etc/postern/postern.log', stamps: true },
    { level: 'info', format: 'qmail-send', to: '/etc/postern/qmail-send', folder, stamps: true },
    { level: 'info', format: 'qmail', to: 'stdout', stamps: false },
    {
      level: 'debug',
      format: 'json',
      to: '/etc/postern/all',
      folder: { files: 5, fileBytes: 16 * 1024 * 1024 },
      stamps: true,
    },
  ])
})

test.each([
  ['{ format: xml }', /^log\.format /],
  ['{ to: stderr, files: 3 }', /^log stderr has no files that could be moved on/],
  ['{ to: x, files: 1 }', /^log\.files /],
  ['{ to: x, also: [{ to: x }] }', /^log\.also\[0\]\.to goes where another log goes/],
  ['{ also: [file] }', /^log\.also\[0\] is not a place/],
  ['{ also: file }', /^log\.also is not a list/],
  ['{ also: [{ also: [] }] }', /^log\.also\[0\]\.also /],
])('log: %s is a mistake', (yaml, mistake) => {
  expect(read(`log: ${yaml}`).mistakes).toEqual([expect.stringMatching(mistake)])
})
