import { expect, test } from 'vitest'
import { memoryFiles } from '../testkit/memory-files.ts'
import { parseConfigDocument } from './document.ts'
import { isMap, Reading } from './reading.ts'
import { readRecord } from './record-section.ts'

function read(written: string) {
  const { document } = parseConfigDocument('postern.yaml', `record: ${written}`)
  if (document === undefined || !isMap(document.value)) throw new Error('no map')
  const reading = new Reading(document, memoryFiles())
  const given = document.value['record']
  const absolute = (path: string): string => `/etc/postern/${path}`
  const found = readRecord(reading, { path: ['record'], given, absolute })
  return { found, mistakes: reading.mistakes.map(({ key, problem }) => `${key} ${problem}`) }
}

const usual = {
  folder: '/etc/postern/../var/dialogues',
  bodies: true,
  files: 100,
  fileBytes: 262_144,
}

test.each([
  ['true', usual],
  ['seen', { ...usual, folder: '/etc/postern/seen' }],
  [
    '{ bodies: false, files: 5, file_bytes: 1MB }',
    { ...usual, bodies: false, files: 5, fileBytes: 1_048_576 },
  ],
  ['false', undefined],
  ['', undefined],
])('record: %s keeps dialogues as it says', (written, expected) => {
  expect(read(written)).toEqual({ found: expected, mistakes: [] })
})

test.each([
  ['7', 'record is not true, a folder or a map'],
  ['{ files: 0 }', expect.stringMatching(/^record\.files /)],
  ['{ folder: x }', expect.stringMatching(/^record\.folder /)],
])('record: %s is a mistake', (written, mistake) => {
  expect(read(written).mistakes).toEqual([mistake])
})
