/**
 * The composition root: introduces the rooms to each other. What a reload exchanges is one value, `Prepared`;
 * everybody else asks for it anew each time, so nothing is ever half new.
 */
import type { Configuration, ListenerConfiguration } from './config/configuration.ts'
import type { Courier } from './delivery/courier.ts'
import { Pauses, pausesFile } from './delivery/pauses.ts'
import type { ListedEntry } from './filter/generation.ts'
import { FilterPolicy } from './filter/policy.ts'
import { StandIn } from './filter/stand-in.ts'
import { isPosternError } from './mail/errors.ts'
import { openShards, type OpenedShards } from './queue/open-shards.ts'
import { shardPath } from './queue/shards.ts'
import type { Doors } from './runtime/doors.ts'
import { systemDisk } from './runtime/node/disk.ts'
import { listenKey } from './runtime/listen-key.ts'
import type { HandedListener, Net } from './runtime/net.ts'
import type { SmtpListener } from './smtp/listener.ts'
import type { TlsChoice } from './smtp/policy.ts'
import { judge, refusedByTests, type Judged } from './rehearsal/before-force.ts'
import { outliveLeakedPromises } from './tools/leaked-promises.ts'
import { listenerNet } from './tools/listener-net.ts'
import { loginKey } from './tools/login-key.ts'
import type { Gateway, OpenedGateway } from './tools/gateway.ts'
import { InForce } from './tools/in-force.ts'
import { KeptFiles } from './tools/kept-files.ts'
import { LocalUsers } from './tools/local-users.ts'
import { openCourier } from './tools/open-courier.ts'
import { openCrashNotes } from './tools/open-crash-notes.ts'
import { openDoors, type OpenedDoors } from './tools/open-doors.ts'
import { mxAmong, openListener } from './tools/open-listener.ts'
import { openMailboxes } from './tools/open-mailboxes.ts'
import { openSteering, type Steering } from './tools/open-steering.ts'
import { openTelemetry, type Telemetry } from './tools/open-telemetry.ts'
import type { Prepared } from './tools/prepare.ts'
import { tryNewListeners } from './tools/probe-listeners.ts'
import { readOffline } from './tools/read-offline.ts'
import { spoolOptions } from './tools/spool-options.ts'
import { watchGateway } from './tools/watch-gateway.ts'
import { unopened } from './tools/unopened.ts'
import { whoConnects } from './tools/who-connects.ts'
import type { CrashNotes } from './workers/crash-notes.ts'
import {
  unwary,
  type ReloadReport,
  type Seat,
  type Wariness,
  type WorkerStatus,
} from './workers/messages.ts'
import type { Superior } from './workers/superior.ts'
import { listenersOf } from './workers/share.ts'

/** A gateway that is one process. */
const onlySeat: Seat = { number: 1, workers: 1, shards: [0], leads: true, wariness: unwary }

/**
 * Opens everything that the configuration folder describes, or says all that is wrong with it.
 * @param seat which of several workers this process is
 */
export async function openGateway(
  folder: string,
  seat: Seat = onlySeat,
  superior: Superior = {},
): Promise<OpenedGateway> {
  const { counters, deliverer } = superior
  const read = new KeptFiles(systemDisk)
  const judges = seat.known === undefined || seat.judges === true
  const judged: Judged = judges ? await judge(folder, read) : { mistakes: [], doubts: [] }
  const { mistakes, doubts } = judged
  if (mistakes.length > 0) return { mistakes, doubts }
  const configuration = judged.configuration ?? readOffline(folder, read)
  let gateway: RunningGateway | undefined
  try {
    const opened = await openDoors(configuration, {
      ...(counters === undefined ? {} : { counters }),
      deliverer,
      seat: { worker: seat.number, workers: seat.workers },
    })
    gateway = new RunningGateway(folder, seat, opened, superior)
    await gateway.open(configuration, read)
    return { gateway, mistakes, doubts }
  } catch (error) {
    await gateway?.close(0)
    if (!isPosternError(error)) throw error
    return { mistakes: [unopened(configuration, error)], doubts }
  }
}

class RunningGateway implements Gateway {
  readonly #seat: Seat
  readonly #superior: Superior
  readonly #doors: Doors
  readonly #closeDoors: () => Promise<void>
  readonly #listeners: SmtpListener[] = []
  readonly #inForce: InForce
  #policy: FilterPolicy | undefined
  #shards: OpenedShards | undefined
  #notes: CrashNotes | undefined
  readonly #users: LocalUsers
  #courier: Courier | undefined
  #pauses: Pauses | undefined
  #steering: Steering | undefined
  #telemetry: Telemetry | undefined
  #listen: ((listener: ListenerConfiguration) => Promise<void>) | undefined
  #admits: boolean

  constructor(folder: string, seat: Seat, opened: OpenedDoors, superior: Superior) {
    this.#seat = seat
    this.#superior = superior
    this.#admits = seat.closed !== true
    this.#doors = opened.doors
    this.#closeDoors = () => opened.close()
    this.#inForce = new InForce({
      folder,
      doors: opened.doors,
      refuses: (prepared) => refusedByTests(folder, prepared, opened.doors.log),
      exchanged: ({ generation, configuration }) => {
        const retired = this.#policy?.useGeneration(generation)
        this.#courier?.reloaded(configuration.delivery)
        return retired
      },
      reloaded: (report) => superior.reloaded?.(report),
    })
    const current = () => this.#current.configuration
    this.#users = new LocalUsers({ doors: opened.doors, current })
  }

  get hostname(): string {
    return this.#current.configuration.control.me
  }

  get maildirs(): string | undefined {
    const { local, maildirs } = this.#current.configuration.delivery
    return local === 'users' ? undefined : maildirs
  }

  get mx(): Gateway['mx'] {
    return mxAmong(this.#current.configuration.listeners, this.#listeners)
  }

  get spool(): string {
    return this.#seat.known?.spool ?? this.#current.configuration.spool.path
  }

  get listeners(): Gateway['listeners'] {
    return this.#listeners
  }

  get entries(): readonly ListedEntry[] {
    return this.#current.generation.listing
  }

  get ownCertificate(): string | undefined {
    return this.#current.ownCertificate
  }

  get #current(): Prepared {
    return this.#inForce.current
  }

  /** @throws PosternError where something cannot be opened; `close` gives back what could */
  async open(reading: Configuration, read: KeptFiles): Promise<void> {
    const { clock, disk, log, random, store, traces } = this.#doors
    const { configuration, generation } = await this.#inForce.open(reading, read)
    const current = () => this.#inForce.current.configuration
    const spool = spoolOptions(this.#doors, this.spool, current)
    const listeners = listenersOf(configuration.listeners, this.#seat)
    if (this.#seat.succeeds === true && this.#seat.judges === true)
      await tryNewListeners(listeners, this.#seat.known?.listeners ?? [], this.#doors.net)
    await this.#superior.turn?.(listeners.map(({ address }) => listenKey(address)))
    this.#shards = await openShards(spool, this.#seat.shards)
    const { queue } = this.#shards
    this.#notes = await openCrashNotes(this.#doors, this.spool, this.#seat)
    this.#telemetry = openTelemetry(this.#doors, current, this.#seat.number)
    const policy = new FilterPolicy({
      generation,
      environmentOf: ({ remote: { address }, remoteName: host, remoteInfo: info, environment }) =>
        environment === undefined
          ? this.#current.environmentOf({ address, host, info })
          : { environment, denied: false },
      ...whoConnects(this.#doors, current),
      clock,
      log,
      traces,
      standIn: new StandIn(await loginKey(store, random)),
      tlsProblem: (listener, choice) => this.#current.certificates.problem(listener, choice),
      crashWatch: this.#notes,
      tap: this.#telemetry.transactionEnded,
      headBytes: () => this.#current.configuration.traces.headBytes,
    })
    this.#policy = policy
    const pauses = await Pauses.open(disk, pausesFile(this.spool))
    this.#pauses = pauses
    const parts = {
      queue,
      doors: this.#doors,
      current,
      generation: () => this.#current.generation,
      pauses,
      users: this.#users,
      observer: this.#telemetry,
    }
    this.#courier = openCourier({
      ...parts,
      turns: this.#superior.turns,
      slots: this.#superior.slots,
    })
    this.#steering = await openSteering({
      ...parts,
      courier: this.#courier,
      seat: this.#seat,
      spool: shardPath(this.spool, this.#seat.shards[0]),
      wholeSpool: this.spool,
    })
    if (configuration.delivery.paused) this.#courier.pause()
    this.#courier.start()
    const { queueFlush } = this.#steering
    const mailboxes = openMailboxes({ ...this.#doors, current, users: this.#users })
    this.#listen = async (listener) => {
      const tls = (choice?: TlsChoice) => this.#current.certificates.of(listener.name, choice)
      const counters = this.#superior.places ?? this.#doors.counters
      const doors = { ...this.#doors, counters, net: this.#netOf(listener) }
      const parts = { policy, queue, queueFlush, mailboxes, tls, doors }
      this.#listeners.push(await openListener(listener, parts))
    }
    for (const listener of listeners) await this.#listen(listener)
    this.#watch(this.#shards, this.#courier)
    this.#inForce.follow()
    log.info('gateway.opened', {
      listeners: this.#listeners.map(({ name }) => name),
      entries: generation.listing.length,
    })
    outliveLeakedPromises(this.#doors)
  }

  reload(): Promise<ReloadReport> {
    return this.#inForce.reload()
  }

  async retryNow(): Promise<number> {
    const count = (await this.#courier?.retryNow()) ?? 0
    this.#doors.log.info('queue.retried', { count })
    return count
  }

  status(): WorkerStatus {
    return {
      generation: this.#inForce.count,
      queued: this.#shards?.queue.size ?? 0,
      delivering: this.#courier?.status.messages ?? 0,
      nextDueAt: this.#shards?.queue.nextDueAt(),
      paused: this.#pauses?.scopes ?? [],
      residentBytes: this.#doors.process.residentBytes(),
      storeTrouble: this.#doors.store.trouble,
      logTrouble: this.#doors.log.trouble,
      listeners: this.#listeners.map(({ name, sessions }) => ({ name, sessions })),
    }
  }

  admit(everybody: boolean): void {
    this.#admits = everybody
    this.#doors.log.info(everybody ? 'clients.admitted' : 'clients.turned-away')
  }

  async adopt(shard: number): Promise<void> {
    const { log } = this.#doors
    try {
      await this.#shards?.adopt(shard)
      log.warn('shard.adopted', { shard })
    } catch (error) {
      log.error('shard.not-adopted', { shard, error: String(error) })
    }
  }

  async lead(): Promise<void> {
    const { log } = this.#doors
    log.warn('worker.leads')
    this.#steering?.lead()
    const seat = { ...this.#seat, leads: true } as const
    const ours = new Set(this.#listeners.map(({ name }) => name))
    const missing = listenersOf(this.#current.configuration.listeners, seat).filter(
      ({ name }) => !ours.has(name),
    )
    for (const listener of missing) {
      try {
        await this.#listen?.(listener)
      } catch (error) {
        log.error('listener.not-opened', { listener: listener.name, error: String(error) })
      }
    }
  }

  beware(wariness: Wariness): void {
    this.#notes?.beware(wariness)
  }

  async close(graceMs: number): Promise<void> {
    await this.#inForce.settle()
    this.#doors.log.info('gateway.closing', { graceMs })
    await this.#steering?.close()
    await Promise.all([
      ...this.#listeners.map((listener) => listener.close(graceMs)),
      this.#courier?.stop(graceMs),
    ])
    await this.#telemetry?.stop()
    await this.#inForce.retire()
    await this.#shards?.queue.close()
    await this.#notes?.close()
    this.#inForce.close()
    this.#users.close()
    this.#doors.log.info('gateway.closed')
    await this.#closeDoors()
  }

  get #handed(): ReadonlyMap<string, HandedListener> {
    return this.#superior.handed ?? new Map<string, HandedListener>()
  }

  #netOf({ role }: ListenerConfiguration): Net {
    const { offer } = this.#superior
    const options = {
      shared: this.#seat.workers > 1,
      handed: this.#handed,
      offer: (address: string, listener: HandedListener) => offer?.(address, listener),
      admits: () => this.#admits,
    }
    return listenerNet(this.#doors.net, options, role)
  }

  #watch(shards: OpenedShards, courier: Courier): void {
    watchGateway({
      doors: this.#doors,
      seat: this.#seat,
      spool: this.spool,
      shards,
      courier,
      listeners: this.#listeners,
      current: () => this.#current,
      tracesDropped: () => this.#policy?.tracesDropped ?? 0,
      configLoaded: () => this.#inForce.isOnDisk,
    })
  }
}
