import { Resolver } from 'node:dns/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { configuredDns } from './configured-dns.ts'

afterEach(() => vi.restoreAllMocks())

test("the system's name servers stay where the configuration names none", () => {
  const chosen = vi.spyOn(Resolver.prototype, 'setServers')
  configuredDns({ servers: [], timeoutMs: 1_000 })
  expect(chosen).not.toHaveBeenCalled()
  configuredDns({ servers: ['192.0.2.53'], timeoutMs: 1_000 })
  expect(chosen).toHaveBeenCalledWith(['192.0.2.53'])
})
