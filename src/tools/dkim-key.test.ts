import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemDisk } from '../runtime/node/disk.ts'
import { makeDkimKey, zoneLine } from './dkim-key.ts'

let config = ''
beforeEach(async () => {
  config = await mkdtemp(join(tmpdir(), 'postern-dkim-'))
})
afterEach(() => rm(config, { recursive: true }))

describe('a new DKIM key', () => {
  test.each([
    ['rsa', 'default', 'rsa', /^[A-Za-z0-9+/=]{300,}$/],
    ['ed25519', 'ed25519', 'ed25519', /^[A-Za-z0-9+/]{43}=$/],
  ] as const)(
    '%s lies where dkim-sign looks, for its owner alone',
    async (type, selector, tag, pattern) => {
      const made = await makeDkimKey(systemDisk, { config, domain: 'Example.org', type })
      expect(made.path).toBe(join(config, 'dkim/example.org', selector))
      expect(made.name).toBe(`${selector}._domainkey.example.org`)
      expect((await stat(made.path)).mode & 0o777).toBe(0o600)
      const key = createPrivateKey(await readFile(made.path))
      const spki = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64')
      const [, p = ''] = new RegExp(`^v=DKIM1; k=${tag}; p=(.*)$`).exec(made.record) ?? []
      expect(p).toMatch(pattern)
      expect(spki.endsWith(p.slice(-20))).toBe(true)
    },
  )

  test('never takes the place of another', async () => {
    const key = { config, domain: 'example.org', type: 'ed25519', selector: 's1' } as const
    await makeDkimKey(systemDisk, key)
    await expect(makeDkimKey(systemDisk, key)).rejects.toThrow('choose another selector')
  })

  test.each(['..', 'a/b', '', '-x', 'a b'])('has no domain or selector %j', async (name) => {
    const make = (domain: string, selector: string) =>
      makeDkimKey(systemDisk, { config, domain, selector, type: 'ed25519' })
    await expect(make(name, 's')).rejects.toThrow('is no domain')
    await expect(make('example.org', name)).rejects.toThrow('is no selector')
  })

  test('is published in strings that a zone file takes', () => {
    const line = zoneLine({ name: 's._domainkey.example.org', record: 'x'.repeat(600) })
    expect(line).toMatch(/^s\._domainkey\.example\.org\. IN TXT \( /)
    expect([...line.matchAll(/"(x+)"/g)].map(([, text]) => text?.length)).toEqual([250, 250, 100])
  })
})
