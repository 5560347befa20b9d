import { generateKeyPairSync } from 'node:crypto'
import * as tools from 'mailauth/lib/tools.js'
import { expect, test } from 'vitest'
import { KeyMemory } from './key-memory.ts'

const terms = { strict: true, hashAlgo: 'sha256' }

function recordOf(bits: number): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  return `v=DKIM1; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`
}

/** What is published, and how often somebody asked. */
function published(records: ReadonlyMap<string, string>) {
  const asked: string[] = []
  const resolver = async (name: string): Promise<string[][]> => {
    asked.push(name)
    return [[records.get(name) ?? '']]
  }
  return { resolver, asked }
}

test('a record is read once, and asked for with each message, there once', async () => {
  const zone = new Map([['s._domainkey.a.test', recordOf(1024)]])
  const { resolver, asked } = published(zone)
  const memory = new KeyMemory()
  const first = memory.cacheFor(resolver, tools)
  const key = await first.get('DKIM', 's._domainkey.a.test', 1024, terms)
  expect(await first.get('AS', 's._domainkey.a.test', 1024, terms)).toBe(key)
  expect(asked).toHaveLength(1)
  expect(
    await memory.cacheFor(resolver, tools).get('DKIM', 's._domainkey.a.test', 1024, terms),
  ).toBe(key)
  expect(asked).toHaveLength(2)
  zone.set('s._domainkey.a.test', recordOf(1024))
  const other = await memory.cacheFor(resolver, tools).get('DKIM', 's._domainkey.a.test', 1024)
  expect(other.rr).not.toBe(key.rr)
})

test('a key is good for what it was judged for, and what is unusable is judged each time', async () => {
  const zone = new Map([
    ['s._domainkey.a.test', recordOf(1024)],
    ['revoked._domainkey.a.test', 'v=DKIM1; p='],
  ])
  const { resolver } = published(zone)
  const memory = new KeyMemory()
  const get = (name: string, bits: number) =>
    memory.cacheFor(resolver, tools).get('DKIM', `${name}._domainkey.a.test`, bits, terms)
  await get('s', 1024)
  await expect(get('s', 2048)).rejects.toMatchObject({ code: 'ESHORTKEY' })
  const errors = await Promise.allSettled([get('revoked', 1024), get('revoked', 1024)])
  const reasons = errors.map((each) => (each.status === 'rejected' ? each.reason : undefined))
  expect(reasons[0]).toMatchObject({ code: 'EINVALIDVAL' })
  expect(reasons[0]).not.toBe(reasons[1])
})

test('a record that is longer than keys are is read each time', async () => {
  const name = 's._domainkey.a.test'
  const { resolver } = published(new Map([[name, `${recordOf(1024)}; n=${'x'.repeat(5_000)}`]]))
  const memory = new KeyMemory()
  const get = () => memory.cacheFor(resolver, tools).get('DKIM', name, 1024, terms)
  const [first, second] = [await get(), await get()]
  expect(second).not.toBe(first)
  expect(second.rr).toBe(first.rr)
})
