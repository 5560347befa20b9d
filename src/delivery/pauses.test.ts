import { describe, expect, test } from 'vitest'
import type { Route } from '../mail/route.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { Pauses, readScope } from './pauses.ts'

const path = '/spool/paused'
const bob = { localPart: 'bob', domain: 'There.TEST' }
const relay: Route = {
  transport: 'smtp',
  key: 'relay:mx.test:25',
  lookup: 'host',
  host: 'mx.test',
  port: 25,
}

const ann = { localPart: 'ann', domain: 'here.test' }
const question = { recipient: bob, reversePath: ann, route: relay }

describe('a pause', () => {
  test('covers everything, a domain, a route by its key or its host, a sender or a recipient', async () => {
    const disk = fakeDisk({ '/spool/format': '' })
    const covered = async (...scope: Parameters<Pauses['add']>) => {
      const pauses = await Pauses.open(disk, path)
      await pauses.add(...scope)
      const covers = pauses.covers(question)
      await pauses.remove(...scope)
      expect(pauses.covers(question)).toBe(false)
      return covers
    }
    expect(await covered({ what: 'all' })).toBe(true)
    expect(await covered({ what: 'domain', name: 'THERE.test' })).toBe(true)
    expect(await covered({ what: 'domain', name: 'else.test' })).toBe(false)
    expect(await covered({ what: 'route', name: 'mx.test' })).toBe(true)
    expect(await covered({ what: 'route', name: 'relay:mx.test:25' })).toBe(true)
    expect(await covered({ what: 'route', name: 'else.test' })).toBe(false)
    expect(await covered({ what: 'domain', name: '.test' })).toBe(true)
    expect(await covered({ what: 'from', name: '<Ann@here.test>' })).toBe(true)
    expect(await covered({ what: 'from', name: '@here.test' })).toBe(true)
    expect(await covered({ what: 'from', name: '<>' })).toBe(false)
    expect(await covered({ what: 'to', name: 'bob@there.test' })).toBe(true)
    expect(await covered({ what: 'to', name: 'ann@here.test' })).toBe(false)
  })

  test('is none where it could keep nobody’s mail', () => {
    for (const name of ['', 'ann', 'here.test']) {
      expect(readScope({ what: 'from', name }), name).toBeUndefined()
      expect(readScope({ what: 'to', name }), name).toBeUndefined()
    }
    expect(readScope({ what: 'to', name: '<>' })).toBeUndefined()
    expect(readScope({ what: 'from', name: '<>' })).toEqual({ what: 'from', name: '<>' })
    expect(readScope({ what: 'to', name: '@b.test' })).toEqual({ what: 'to', name: '@b.test' })
  })

  test('costs a recipient the same where there are a thousand', async () => {
    const scopes = Array.from({ length: 999 }, (_, at) => ({
      what: (['domain', 'to', 'from'] as const)[at % 3],
      name: `p${at}@paused${at}.test`.slice(at % 3 === 0 ? `p${at}@`.length : 0),
    }))
    const pauses = await Pauses.open(fakeDisk({ [path]: JSON.stringify(scopes) }), path)
    expect(pauses.scopes).toHaveLength(999)
    let asked = 0
    const recipient = {
      localPart: 'bob',
      get domain(): string {
        asked++
        return 'there.test'
      },
    }
    expect(pauses.covers({ ...question, recipient })).toBe(false)
    expect(asked).toBeLessThan(10)
    for (const domain of ['paused0.test', 'PAUSED996.test'])
      expect(pauses.covers({ ...question, recipient: { localPart: 'x', domain } })).toBe(true)
    const named = { localPart: 'P997', domain: 'paused997.test' }
    expect(pauses.covers({ ...question, recipient: named })).toBe(true)
    expect(pauses.covers({ ...question, reversePath: named })).toBe(false)
  })

  test('that was acknowledged outlives a power cut, and so does its end', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = fakeDisk({ '/spool/format': '' })
      const pauses = await Pauses.open(disk, path)
      await pauses.add({ what: 'domain', name: 'one.test' })
      await pauses.add({ what: 'all' })
      await pauses.remove({ what: 'all' })
      const after = disk.afterPowerCut(seededRandom(seed))
      expect((await Pauses.open(after, path)).scopes).toEqual([
        { what: 'domain', name: 'one.test' },
      ])
    }
  })

  test('is made once, and not ended where there is none', async () => {
    const pauses = await Pauses.open(fakeDisk({ '/spool/format': '' }), path)
    await pauses.add({ what: 'all' })
    await pauses.add({ what: 'all' })
    expect(pauses.scopes).toHaveLength(1)
    expect(await pauses.remove({ what: 'domain', name: 'one.test' })).toBe(false)
    expect(await pauses.remove({ what: 'all' })).toBe(true)
  })

  test('is ended in other words that mean the same', async () => {
    const pauses = await Pauses.open(fakeDisk({ '/spool/format': '' }), path)
    for (const [made, ended] of [
      [
        { what: 'from', name: '<Ann@Here.test>' },
        { what: 'from', name: 'ann@here.test' },
      ],
      [
        { what: 'domain', name: 'münchen.test' },
        { what: 'domain', name: 'XN--mnchen-3ya.test' },
      ],
      [
        { what: 'from', name: '<>' },
        { what: 'from', name: '<>' },
      ],
    ] as const) {
      await pauses.add(made)
      expect(await pauses.remove(ended)).toBe(true)
    }
  })

  test.each(['', 'no json', '{}', '[{"what":"moon"}]'])(
    'is not guessed where its file says %j',
    async (text) => {
      const disk = fakeDisk({ [path]: text })
      await expect(Pauses.open(disk, path)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    },
  )
})
