import { expect, test } from 'vitest'
import { memoryFiles } from '../testkit/memory-files.ts'
import { parseConfigDocument } from './document.ts'
import { readQuarantine, type QuarantineConfiguration } from './quarantine-section.ts'
import { isMap, Reading } from './reading.ts'

function read(yaml: string): {
  readonly found: QuarantineConfiguration
  readonly mistakes: readonly string[]
} {
  const { document } = parseConfigDocument('postern.yaml', yaml)
  if (document === undefined || !isMap(document.value)) throw new Error('no map')
  const reading = new Reading(document, memoryFiles())
  const found = readQuarantine(reading, document.value, (path) => `/etc/postern/${path}`)
  return { found, mistakes: reading.mistakes.map(({ key, problem }) => `${key} ${problem}`) }
}

test('without a section nothing is limited, nobody is told, and no digest is written', () => {
  expect(read('log: {}').found).toEqual({ notify: [], virusEntries: ['clamav'] })
})

test('limits, whom to tell, and digests', () => {
  const { found, mistakes } = read(`
quarantine:
  max_age: 30d
  max_size: 1GB
  max_messages: 500
  notify: [all, nmladm]
  admin: Postmaster@example.org
  digest: { to: [Example.org], link_base: 'https://mail.example.org/q' }
`)
  expect(mistakes).toEqual([])
  expect(found).toMatchObject({
    maxAgeMs: 30 * 86_400_000,
    maxBytes: expect.any(Number),
    maxMessages: 500,
    notify: ['sender', 'recips', 'admin', 'nmladm'],
    admin: { localPart: 'Postmaster', domain: 'example.org' },
    digest: {
      to: ['example.org'],
      hour: 7,
      linkBase: 'https://mail.example.org/q',
      linkLifetimeMs: 7 * 86_400_000,
      keyFile: '/etc/postern/../var/quarantine.key',
    },
  })
})

test('mistakes are named', () => {
  const { mistakes } = read(`
quarantine:
  notify: [everybody]
  admin: nobody
  digest: { to: ['@'], link_base: 'mail.example.org', hour: 7 }
`)
  expect(mistakes).toEqual([
    "quarantine.admin 'nobody' is not an address",
    "quarantine.digest.link_base 'mail.example.org' is no link",
    "quarantine.digest.to '@' is no recipient",
    "quarantine.notify 'everybody' is nobody who could be told",
  ])
  expect(read('quarantine: { digest: { hours: 7 } }').mistakes).toHaveLength(1)
})
