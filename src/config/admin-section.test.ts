import { expect, test } from 'vitest'
import { memoryFiles } from '../testkit/memory-files.ts'
import { readAdmin } from './admin-section.ts'
import { parseConfigDocument } from './document.ts'
import { isMap, Reading } from './reading.ts'

function read(yaml: string): {
  readonly from: readonly string[] | undefined
  readonly mistakes: readonly string[]
} {
  const { document } = parseConfigDocument('postern.yaml', yaml)
  if (document === undefined || !isMap(document.value)) throw new Error('no map')
  const reading = new Reading(document, memoryFiles())
  const files = { absolute: (path: string) => path, readText: () => undefined }
  const found = readAdmin(reading, document.value, files)
  return {
    from: found?.metricsFrom,
    mistakes: reading.mistakes.map(({ key, problem }) => `${key} ${problem}`),
  }
}

test('without a word this host reads the metrics, unless strangers come from there by a proxy', () => {
  expect(read('log: {}').from).toEqual(['127.0.0.1', '::1'])
  expect(read('admin: { public_url: https://mail.example.org }').from).toEqual([])
  expect(read('admin: { trusted_proxies: [127.0.0.1] }').from).toEqual([])
})

test('who is named reads the metrics, proxy or not', () => {
  const { from, mistakes } = read(
    "admin: { trusted_proxies: [127.0.0.1], metrics_from: ['::ffff:192.0.2.1', '2001:DB8::/32'] }",
  )
  expect(mistakes).toEqual([])
  expect(from).toEqual(['192.0.2.1', '2001:db8::/32'])
  expect(read('admin: { metrics_from: [] }').from).toEqual([])
})

test('what is no address is a mistake', () => {
  expect(read('admin: { metrics_from: [scraper.example.org] }').mistakes).toEqual([
    "admin.metrics_from 'scraper.example.org' is no address",
  ])
})
