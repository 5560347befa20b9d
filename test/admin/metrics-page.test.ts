/** `/metrics`: who may read it, and what it says where no gateway runs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administrationStage, type Stage } from './administration-stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await administrationStage()
})
afterAll(() => stage.close())

const from = (remoteAddress: string, authorization?: string) =>
  stage.administration.app.inject({
    url: '/metrics',
    remoteAddress,
    ...(authorization === undefined ? {} : { headers: { authorization } }),
  })

const token = async (scopes: readonly string[]): Promise<string> => {
  const made = await stage.admin.ask('POST', '/access/tokens', { name: 'scraper', scopes })
  return `Bearer ${made.json<{ token: string }>().token}`
}

describe('/metrics', () => {
  test('says that there is no gateway to whoever may ask, and that they must log in to all others', async () => {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect((await from(address)).statusCode).toBe(503)
    }
    for (const address of ['192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1', '127.0.0.2']) {
      expect((await from(address)).statusCode).toBe(401)
    }
  })

  test('is read with a token of its scope, and with no other', async () => {
    expect((await from('192.0.2.1', await token(['metrics:read']))).statusCode).toBe(503)
    expect((await from('192.0.2.1', await token(['system:read']))).statusCode).toBe(403)
    expect((await from('192.0.2.1', 'Bearer postern_nothing')).statusCode).toBe(401)
  })
})

test('an operator names who reads the metrics without a token', async () => {
  const named = await administrationStage(
    "admin: { metrics_from: [192.0.2.1, '2001:db8::/32', 198.51.100.0/24] }",
  )
  const statusFrom = async (remoteAddress: string): Promise<number> =>
    (await named.administration.app.inject({ url: '/metrics', remoteAddress })).statusCode
  for (const address of ['192.0.2.1', '2001:db8:5::1', '198.51.100.255']) {
    expect(await statusFrom(address)).toBe(503)
  }
  for (const address of ['127.0.0.1', '192.0.2.2', '2001:db9::1']) {
    expect(await statusFrom(address)).toBe(401)
  }
  await named.close()
})
