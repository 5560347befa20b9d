/**
 * The doors as one entry has them: its tables and counters bear its name, so that two entries never
 * meet in one key; a shadow entry works in a space of its own and leaves the real one untouched.
 */
import type { Log, LogFields } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics/metrics.ts'
import { entryMetrics } from '../plugin/metrics.ts'
import type { PluginDoors } from '../plugin/plugin.ts'

/** What the doors of all entries are made of. */
export type ChainDoors = Omit<PluginDoors, 'metrics'> & { readonly metrics: Metrics }

export function entryDoors(
  doors: ChainDoors,
  {
    name,
    plugin,
    shadow,
  }: { readonly name: string; readonly plugin: string; readonly shadow: boolean },
): PluginDoors {
  const space = shadow ? `shadow/${name}` : `entry/${name}`
  const { accounts, clock, continuations, dns, jobs, mailboxes } = doors
  const { net, programs, random, counters, store } = doors
  return {
    accounts,
    clock,
    continuations,
    dns,
    jobs,
    ...(mailboxes === undefined ? {} : { mailboxes }),
    net,
    programs,
    random,
    log: namedLog(doors.log, name),
    metrics: entryMetrics(doors.metrics, { name, plugin }),
    counters: {
      take: (key, limit) => counters.take(`${space}/${key}`, limit),
      give: (key) => counters.give(`${space}/${key}`),
      count: (key) => counters.count(`${space}/${key}`),
      spend: (rates) =>
        counters.spend(rates.map((rate) => ({ ...rate, key: `${space}/${rate.key}` }))),
    },
    store: {
      table: (table, bounds) => store.table(`${space}/${table}`, bounds),
      close: async () => {},
    },
  }
}

/** Every line says which entry wrote it. */
function namedLog(log: Log, entry: string): Log {
  const named = (fields?: LogFields): LogFields => ({ ...fields, entry })
  return {
    debug: (event, fields) => log.debug(event, named(fields)),
    info: (event, fields) => log.info(event, named(fields)),
    warn: (event, fields) => log.warn(event, named(fields)),
    error: (event, fields) => log.error(event, named(fields)),
  }
}
