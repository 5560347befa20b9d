/** What was counted of outgoing TLS, read in the store beside a running gateway or without one. */
import { dayOf, readDay, tlsCountTable, type DomainDay } from '../delivery/tls-rpt/counts.ts'
import { tlsReport } from '../delivery/tls-rpt/report.ts'
import type { JsonObject } from '../mail/json.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { openStore } from '../runtime/node/store.ts'
import { bounceSettings } from './open-bouncer.ts'
import { silentLog } from './silent-log.ts'
import { readOffline } from './read-offline.ts'

export interface TlsReportQuestion {
  readonly domain?: string
  /** `2026-11-21`; absent: today, in UTC. */
  readonly day?: string
}

export interface TlsReportAnswer {
  readonly day: string
  readonly domains: readonly DomainDay[]
  /** One for each of them, as RFC 8460 has it. */
  readonly reports: readonly JsonObject[]
}

/** @throws PosternError CONFIG_INVALID, STORE_FAILED */
export async function readTlsReport(
  folder: string,
  { domain, day = dayOf(systemClock.now()) }: TlsReportQuestion,
): Promise<TlsReportAnswer> {
  const configuration = readOffline(folder)
  const { hostname, doubleBounceTo, from } = bounceSettings(configuration)
  const { path } = configuration.store
  const store = await openStore({ path, clock: systemClock, log: silentLog })
  try {
    const domains = await readDay(tlsCountTable(store), day, domain?.toLowerCase())
    const submitter = { hostname, contact: doubleBounceTo ?? from }
    return { day, domains, reports: domains.map((each) => tlsReport(each, submitter)) }
  } finally {
    await store.close()
  }
}
