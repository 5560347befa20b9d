import { describe, expect, test } from 'vitest'
import type { ListenAddress, NetListener } from '../net.ts'
import { nodeNet } from './net.ts'

const listen = (address: ListenAddress, shared: boolean): Promise<NetListener> =>
  nodeNet.listen({
    address,
    shared,
    accepted: (connection) => connection.destroy(),
    failed: () => undefined,
  })

describe('an address that is shared', () => {
  test('is listened on by as many as share it, and by nobody else', async () => {
    const first = await listen({ host: '127.0.0.1', port: 0 }, true)
    const second = await listen(first.address, true)
    expect(second.address).toEqual(first.address)
    await expect(listen(first.address, false)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    await first.close()
    await second.close()
  })

  test('is not one that another program has for itself', async () => {
    const first = await listen({ host: '127.0.0.1', port: 0 }, false)
    await expect(listen(first.address, true)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    await first.close()
  })
})
