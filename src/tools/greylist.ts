/**
 * The greylist of a configuration, for `postern greylist`: read and written in the store, beside a running gateway or without
 * one. What is written is heard within a minute. The names of the tables and the form of a page are those of the plugin.
 */
import { resolve } from 'node:path'
import { clientNetwork } from '../mail/client-network.ts'
import { asciiDomain, isDomain } from '../mail/domain.ts'
import { PosternError } from '../mail/errors.ts'
import type { JsonValue } from '../mail/json.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { openStore } from '../runtime/node/store.ts'
import { walkFiles } from '../runtime/node/walk-files.ts'
import type { Store, StoreTable } from '../runtime/store.ts'
import { silentLog } from './silent-log.ts'
import { readOffline } from './read-offline.ts'

export interface GreyEntry {
  readonly key: string
  readonly firstAt: number
  readonly lastAt: number
  readonly passes: number
}

const bounds = { maxEntries: 1_000_000 }
/** Passes of a client that an operator let in. */
export const letIn = 1_000_000_000
const lifetimeMs = 36 * 86_400_000
/** Somebody whom jgreylist knew is known by any count that an operator may want. */
const knownBefore = 1_000
const pageOfScan = 1_000
const mostImported = 1_000_000

interface GreyTables {
  readonly keys: StoreTable
  /** Clients as a whole: networks, and domains that SPF vouches for. */
  readonly clients: StoreTable
  readonly good: StoreTable
}

/** @throws PosternError CONFIG_INVALID where no entry of the chain greylists; STORE_FAILED */
export async function withGreylist<T>(
  folder: string,
  work: (tables: GreyTables) => Promise<T>,
): Promise<T> {
  const { chain, store: storing } = readOffline(folder)
  const entry = chain.find(({ plugin }) => plugin === 'greylist')
  if (entry === undefined) {
    throw new PosternError('CONFIG_INVALID', 'no entry of the chain uses the plugin greylist')
  }
  const store = await openStore({
    path: storing.path,
    clock: systemClock,
    log: silentLog,
    visits: true,
  })
  try {
    return await work(tablesOf(store, entry.name))
  } finally {
    await store.close()
  }
}

function tablesOf(store: Store, entry: string): GreyTables {
  const table = (name: string): StoreTable => store.table(`entry/${entry}/${name}`, bounds)
  return { keys: table('keys'), clients: table('networks'), good: table('good') }
}

/** Where an entry stands among all of them. */
export interface GreyPlace {
  readonly table: 'clients' | 'keys'
  readonly key: string
}

/** Clients first, then keys, by name; those that begin with `beginning` only. @param after only what comes behind this place */
export async function* greyEntries(
  tables: GreyTables,
  beginning = '',
  after?: GreyPlace,
): AsyncGenerator<GreyEntry & GreyPlace, void> {
  for (const table of ['clients', 'keys'] as const) {
    if (table === 'clients' && after?.table === 'keys') continue
    const behind = after?.table === table ? `${after.key}\0` : ''
    const from = behind > beginning ? behind : beginning
    for await (const entry of entriesOf(tables[table], beginning, from)) {
      // A client that is known as a whole, and is its own key too, has been told of.
      const isTold = table === 'keys' && (await isClient(tables, entry.key))
      if (!isTold) yield { ...entry, table }
    }
  }
}

async function isClient({ clients }: GreyTables, key: string): Promise<boolean> {
  return !key.includes(' ') && pageOf((await clients.get(key)) ?? null) !== undefined
}

async function* entriesOf(
  table: StoreTable,
  beginning: string,
  first = beginning,
): AsyncGenerator<GreyEntry, void> {
  for (let from = first; ;) {
    const found = await table.scan({ from, limit: pageOfScan, order: 'ascending' })
    for (const { key, value } of found) {
      if (!key.startsWith(beginning)) return
      const page = pageOf(value)
      if (page !== undefined) yield { key, ...page }
    }
    const last = found.at(-1)
    if (last === undefined || found.length < pageOfScan) return
    from = `${last.key}\0`
  }
}

function pageOf(value: JsonValue): Omit<GreyEntry, 'key'> | undefined {
  if (!Array.isArray(value)) return undefined
  const [firstAt, lastAt, passes] = value
  return typeof firstAt === 'number' && typeof lastAt === 'number' && typeof passes === 'number'
    ? { firstAt, lastAt, passes }
    : undefined
}

/**
 * What a client is called: a network, an address (its /24 or /64, as greylisting counts), or a domain that SPF vouches for.
 * @returns undefined for anything else
 */
export function clientNamed(text: string): string | undefined {
  const [address = '', bits] = text.split('/')
  const prefix = Number(bits)
  const network =
    bits === undefined
      ? clientNetwork(address)
      : /^\d{1,3}$/.test(bits) && prefix <= (address.includes(':') ? 128 : 32)
        ? clientNetwork(address, { ipv4: prefix, ipv6: prefix })
        : undefined
  if (network !== undefined) return network
  const domain = text.replace(/^(?:spf:|@)/, '').toLowerCase()
  return isDomain(domain, { smtputf8: true }) && !/^[\d.]+$/.test(domain)
    ? `spf:${asciiDomain(domain)}`
    : undefined
}

/** Until `forget`: it is never asked to come back. */
export async function allowClient({ clients }: GreyTables, client: string): Promise<void> {
  const now = systemClock.now()
  await clients.put(client, [now, now, letIn])
}

/** @returns how many entries went */
export async function forgetClient(tables: GreyTables, client: string): Promise<number> {
  let gone = 0
  const forget = async (table: StoreTable, beginning: string): Promise<void> => {
    const keys: string[] = []
    for await (const { key } of entriesOf(table, beginning)) keys.push(key)
    await Promise.all(keys.map((key) => table.delete(key)))
    gone += keys.length
  }
  await forget(tables.keys, `${client} `)
  for (const table of [tables.keys, tables.clients, tables.good]) {
    if ((await table.get(client)) === undefined) continue
    await table.delete(client)
    gone += 1
  }
  return gone
}

/**
 * A folder of jgreylist: `aaa/bbb/ccc`, or `aaa/bbb/ccc/ddd` by address; a file's mtime is the first visit, its atime the last.
 * Who came back is known as a whole; who came once is known by it where the key is `network`.
 * @param told how many files have been looked at
 * @returns how many files were taken, and how many were none of jgreylist's or too old
 */
export async function importFolder(
  { keys, clients }: GreyTables,
  folder: string,
  told: (done: number) => void = () => undefined,
): Promise<{ readonly taken: number; readonly left: number }> {
  const now = systemClock.now()
  let taken = 0
  let left = 0
  let waiting: Promise<void>[] = []
  for await (const { names, modifiedAt: firstAt, accessedAt } of walkFiles(resolve(folder), 4)) {
    told(taken + left)
    const network = networkOf(names)
    const lastAt = Math.max(firstAt, accessedAt)
    if (network === undefined || lastAt + lifetimeMs <= now || taken >= mostImported) {
      left += 1
      continue
    }
    taken += 1
    const cameBack = lastAt > firstAt
    waiting.push(putOlder(keys, network, { firstAt, lastAt, passes: cameBack ? 1 : 0 }))
    if (cameBack) {
      waiting.push(putOlder(clients, network, { firstAt, lastAt, passes: knownBefore }))
    }
    if (waiting.length < pageOfScan) continue
    await Promise.all(waiting)
    waiting = []
  }
  await Promise.all(waiting)
  return { taken, left }
}

/** What was seen since, or said by an operator, is newer than any folder. */
async function putOlder(
  table: StoreTable,
  key: string,
  { firstAt, lastAt, passes }: Omit<GreyEntry, 'key'>,
): Promise<void> {
  const known = pageOf((await table.get(key)) ?? null)
  if (known !== undefined && (known.passes >= letIn || known.lastAt >= lastAt)) return
  await table.put(key, [firstAt, lastAt, passes], lastAt + lifetimeMs)
}

/** Octets with three digits each: `010/000/002` is 10.0.2.0/24. */
function networkOf(names: readonly string[]): string | undefined {
  if (names.length !== 3 && names.length !== 4) return undefined
  if (!names.every((name) => /^[0-2]\d\d$/.test(name) && Number(name) < 256)) return undefined
  const octets = names.map(Number)
  return names.length === 4 ? `${octets.join('.')}/32` : `${octets.join('.')}.0/24`
}
