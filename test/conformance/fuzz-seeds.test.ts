/** What found mistakes in other servers: the seeds of their fuzzers, whole and byte by byte. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { settled, smtpStage } from '../../src/testkit/smtp-stage.ts'
import { folderOf, readVectors, vectorsAreMissing } from './third-party.ts'

const folders = ['chasquid-FuzzConnection', 'profuzzbench-in-smtp']
const seeds = vectorsAreMissing
  ? []
  : folders.flatMap((folder) =>
      readdirSync(folderOf(`smtp/fuzz-seeds/${folder}`)).map((name) => `${folder}/${name}`),
    )

/** A file of Go's fuzzer holds a quoted literal; other files are what is sent. */
function bytesOf(seed: string): string {
  const [, literal] = /\[\]byte\((".*")\)/.exec(seed) ?? []
  if (literal === undefined) return seed
  const json = literal.replace(/\\x([0-9a-f]{2})/g, '\\u00$1').replaceAll('\\a', '\\u0007')
  return Buffer.from(String(JSON.parse(json))).toString('latin1')
}

async function said(pieces: readonly string[]): Promise<string> {
  const stage = await smtpStage()
  const client = await stage.dial()
  for (const piece of pieces) client.send(piece)
  await settled()
  client.connection.end()
  await settled()
  expect(stage.queue.openDrafts).toBe(0)
  expect(stage.log.events.filter(({ event }) => event === 'policy.failed')).toEqual([])
  return client.unread
}

describe.skipIf(vectorsAreMissing)('a seed', () => {
  test.each(seeds)('%s is answered with replies and nothing else', async (name) => {
    const bytes = bytesOf(readVectors(`smtp/fuzz-seeds/${name}`))
    const whole = await said([bytes, bytes.replace(/\r?\n/g, '\r\n')])
    expect(whole).toMatch(/^(?:\d{3}[ -](?:\d\.\d+\.\d+ )?[\x20-\x7e]*\r\n)+$/)
    expect(await said(`${bytes}${bytes.replace(/\r?\n/g, '\r\n')}`.split(''))).toBe(whole)
  })
})
