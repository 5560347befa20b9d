import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Resolver } from 'node:dns/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { configuredDns, dnsFor } from './configured-dns.ts'

afterEach(() => vi.restoreAllMocks())

test("the system's name servers stay where the configuration names none", () => {
  const chosen = vi.spyOn(Resolver.prototype, 'setServers')
  configuredDns({ servers: [], timeoutMs: 1_000 })
  expect(chosen).not.toHaveBeenCalled()
  configuredDns({ servers: ['192.0.2.53'], timeoutMs: 1_000 })
  expect(chosen).toHaveBeenCalledWith(['192.0.2.53'])
})

test('a tool asks the name servers of the configuration, and works without one', () => {
  const chosen = vi.spyOn(Resolver.prototype, 'setServers')
  const folder = mkdtempSync(join(tmpdir(), 'postern-dns-'))
  try {
    dnsFor(join(folder, 'nowhere'))
    expect(chosen).not.toHaveBeenCalled()
    writeFileSync(join(folder, 'postern.yaml'), 'dns: { servers: [192.0.2.53] }\n')
    dnsFor(folder)
    expect(chosen).toHaveBeenCalledWith(['192.0.2.53'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
