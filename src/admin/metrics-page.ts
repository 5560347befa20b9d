/**
 * `/metrics` for Prometheus: the gateway's numbers and those of this process. Some addresses need no token, because a
 * scraper beside the gateway has none; everybody else shows one that may `metrics:read`. Gauges name entries and listeners
 * of the configuration, never an address of a message.
 */
import type { FastifyInstance } from 'fastify'
import ipaddr from 'ipaddr.js'
import { adminMetrics } from '../runtime/metrics/inventory.ts'
import { mergeSnapshots } from '../runtime/metrics/merge.ts'
import type { Metrics } from '../runtime/metrics/metrics.ts'
import { formatPrometheus, prometheusContentType } from '../runtime/metrics/prometheus.ts'
import type { MetricsOperations } from './operations.ts'
import { Refusal } from './refusal.ts'
import type { Admit } from './server.ts'

export interface MetricsPageParts {
  readonly operations: MetricsOperations
  /** Of this process. */
  readonly own: Metrics
  /** Addresses and networks that need no token. */
  readonly openTo: readonly string[]
}

/** Counts every answer of this server, too. */
export function addMetricsPage(
  app: FastifyInstance,
  admit: Admit,
  { operations, own, openTo }: MetricsPageParts,
): void {
  const isOpen = listed(openTo)
  app.addHook('onResponse', async (_, { statusCode }) => {
    own.counter(adminMetrics.requests, { class: `${Math.floor(statusCode / 100)}xx` }).add()
  })
  app.get('/metrics', async (request, reply) => {
    if (!isOpen(request.ip)) admit(request, 'metrics:read')
    const gateway = await operations.snapshot()
    // A scrape that fails says that it is down; half of the numbers would say that it has no mail.
    if (gateway === undefined) throw new Refusal('unavailable', 'No gateway answers')
    return reply
      .type(prometheusContentType)
      .header('cache-control', 'no-store')
      .send(formatPrometheus(mergeSnapshots([gateway, await own.snapshot()])))
  })
}

/** @param written addresses and networks, as the configuration has checked them */
function listed(written: readonly string[]): (address: string) => boolean {
  const networks = written.map((each) => {
    if (each.includes('/')) return ipaddr.parseCIDR(each)
    const address = ipaddr.process(each)
    return [address, address.kind() === 'ipv4' ? 32 : 128] as const
  })
  return (from) => {
    if (!ipaddr.isValid(from)) return false
    // An IPv4 address in IPv6 clothes is the same client.
    const address = ipaddr.process(from)
    return networks.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    )
  }
}
