/**
 * The composition root: introduces the rooms to each other. What a reload exchanges is one value, `Prepared`;
 * everybody else asks for it anew each time, so nothing is ever half new.
 */
import { join } from 'node:path'
import { needRestart } from './config/need-restart.ts'
import type { Configuration } from './config/configuration.ts'
import { formatMistake } from './config/format-mistake.ts'
import type { Mistake } from './plugin/mistake.ts'
import type { Courier } from './delivery/courier.ts'
import { Pauses } from './delivery/pauses.ts'
import { wantsHost } from './formats/tcprules-lookup.ts'
import type { ListedEntry } from './filter/generation.ts'
import { PluginLoader } from './filter/loader.ts'
import { FilterPolicy } from './filter/policy.ts'
import { StandIn } from './filter/stand-in.ts'
import { isPosternError, PosternError } from './mail/errors.ts'
import type { MaybePromise } from './mail/maybe-promise.ts'
import { openShards, type OpenedShards } from './queue/open-shards.ts'
import type { Counters } from './runtime/counters.ts'
import { shardPath } from './queue/shards.ts'
import type { Doors } from './runtime/doors.ts'
import type { ListenAddress } from './runtime/net.ts'
import type { SmtpListener } from './smtp/listener.ts'
import type { Newcomer } from './smtp/policy.ts'
import { testsBeforeForce, type TestsBeforeForce } from './rehearsal/before-force.ts'
import { checkConfiguration } from './tools/check-configuration.ts'
import { clientName } from './tools/client-names.ts'
import { flushQueue } from './tools/flush-queue.ts'
import { loginKey } from './tools/login-key.ts'
import { LocalUsers } from './tools/local-users.ts'
import { openCourier } from './tools/open-courier.ts'
import { openCrashNotes } from './tools/open-crash-notes.ts'
import { openDoors, type OpenedDoors } from './tools/open-doors.ts'
import { openListener } from './tools/open-listener.ts'
import { openMailboxes } from './tools/open-mailboxes.ts'
import { openSteering, type Steering } from './tools/open-steering.ts'
import { configurationPaths, PathWatches } from './tools/path-watches.ts'
import { prepare, type Prepared } from './tools/prepare.ts'
import { readOffline } from './tools/read-offline.ts'
import { pausesFile } from './tools/steer-queue.ts'
import type { CrashNotes } from './workers/crash-notes.ts'
import type { Seat, Suspect } from './workers/messages.ts'
import { listenersOf, shareOfDeliveries, sharedNet } from './workers/share.ts'

/** A gateway at work. */
export interface Gateway {
  readonly hostname: string
  readonly maildirs: string
  /** The path of the spool. */
  readonly spool: string
  readonly listeners: readonly { readonly name: string; readonly address: ListenAddress }[]
  readonly entries: readonly ListedEntry[]
  /** Where the self-signed certificate lies, where a listener shows it. */
  readonly ownCertificate: string | undefined
  /** Reads the configuration anew. With mistakes in it, everything stays as it was; the log says why. */
  reload(): Promise<void>
  /** Makes every queued message due now. */
  retryNow(): Promise<void>
  /** Takes over a shard of the spool whose worker is gone for good. */
  adopt(shard: number): Promise<void>
  /** These messages are not to be filtered again for now. */
  suspect(suspects: readonly Suspect[]): void
  /** Accepts no more, lets sessions and deliveries end within `graceMs`, closes everything. */
  close(graceMs: number): Promise<void>
}

export interface OpenedGateway {
  /** Missing where there are mistakes. */
  readonly gateway?: Gateway
  readonly mistakes: readonly Mistake[]
  readonly doubts: readonly Mistake[]
}

/** A gateway that is one process. */
const onlySeat: Seat = { number: 1, workers: 1, shards: [0], suspects: [] }

/**
 * Opens everything that the configuration folder describes, or says all that is wrong with it.
 * @param seat which of several workers this process is
 * @param counters what they count together
 */
export async function openGateway(
  folder: string,
  seat: Seat = onlySeat,
  counters?: Counters,
): Promise<OpenedGateway> {
  const { mistakes, doubts } =
    seat.known === undefined ? await judge(folder) : { mistakes: [], doubts: [] }
  if (mistakes.length > 0) return { mistakes, doubts }
  const configuration = readOffline(folder)
  let gateway: RunningGateway | undefined
  try {
    const opened = await openDoors(configuration, {
      ...(counters === undefined ? {} : { counters }),
      ...(seat.workers === 1 ? {} : { always: { worker: seat.number } }),
    })
    gateway = new RunningGateway(folder, seat, opened)
    await gateway.open()
    return { gateway, mistakes, doubts }
  } catch (error) {
    await gateway?.close(0)
    if (!isPosternError(error)) throw error
    return { mistakes: [unopened(configuration, error)], doubts }
  }
}

/** What is wrong with it, its own tests included. */
async function judge(folder: string): Promise<TestsBeforeForce> {
  const { mistakes, doubts } = await checkConfiguration(folder)
  if (mistakes.length > 0) return { mistakes, doubts }
  const tested = await testsBeforeForce(folder, readOffline(folder))
  return { mistakes: tested.mistakes, doubts: [...doubts, ...tested.doubts] }
}

/** What cannot be known before it is tried, as a mistake like any other. */
function unopened({ folder, spool, store, traces }: Configuration, error: PosternError): Mistake {
  const about = (file: string, remedy: string): Mistake => ({
    file,
    problem: error.message,
    remedy,
  })
  switch (error.code) {
    case 'SPOOL_LOCKED':
      return about(spool.path, 'stop the other gateway, or give this one a spool of its own')
    case 'SPOOL_NEWER':
      return about(spool.path, 'run the version that wrote it, or a newer one')
    case 'DISK_FULL':
    case 'DISK_FAILED':
      return about(spool.path, 'make room there, and let this user write to it')
    case 'STORE_FAILED':
      return about(
        `${store.path}, ${traces.path}`,
        'let this user write to them, or move the one away that cannot be read: they hold no mail',
      )
    default:
      return about(join(folder, 'postern.yaml'), 'mend what the problem names, then start again')
  }
}

class RunningGateway implements Gateway {
  readonly #folder: string
  readonly #seat: Seat
  readonly #doors: Doors
  readonly #closeDoors: () => Promise<void>
  readonly #listeners: SmtpListener[] = []
  readonly #watches: PathWatches
  #loader: { readonly folders: string; readonly loader: PluginLoader } | undefined
  #prepared: Prepared | undefined
  #policy: FilterPolicy | undefined
  #shards: OpenedShards | undefined
  #notes: CrashNotes | undefined
  readonly #users: LocalUsers
  #courier: Courier | undefined
  #steering: Steering | undefined
  #reloading: Promise<void> = Promise.resolve()

  constructor(folder: string, seat: Seat, opened: OpenedDoors) {
    this.#folder = folder
    this.#seat = seat
    this.#doors = opened.doors
    this.#closeDoors = () => opened.close()
    this.#watches = new PathWatches(opened.doors.disk, () => void this.reload())
    const current = () => this.#current.configuration
    this.#users = new LocalUsers({ doors: opened.doors, current })
  }

  get hostname(): string {
    return this.#current.configuration.control.me
  }

  get maildirs(): string {
    return this.#current.configuration.delivery.maildirs
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
    if (this.#prepared === undefined)
      throw new PosternError('CONFIG_INVALID', 'nothing is in force')
    return this.#prepared
  }

  /** @throws PosternError where something cannot be opened; `close` gives back what could */
  async open(): Promise<void> {
    const { clock, disk, log, random, store, traces } = this.#doors
    const preparation = await this.#prepare()
    if (!preparation.ok) {
      throw new PosternError('CONFIG_INVALID', preparation.mistakes.map(formatMistake).join('\n'))
    }
    this.#prepared = preparation.prepared
    const { configuration, generation } = preparation.prepared
    const { segmentBytes } = configuration.spool
    const spool = { disk, clock, log, path: this.spool, segmentBytes }
    this.#shards = await openShards(spool, this.#seat.shards)
    const { queue } = this.#shards
    this.#notes = await openCrashNotes(this.#doors, this.spool, this.#seat)
    const policy = new FilterPolicy({
      generation,
      environmentOf: ({ remote, remoteName, environment }) =>
        environment === undefined
          ? this.#current.environmentOf({ address: remote.address, host: remoteName })
          : { environment, denied: false },
      nameOf: (newcomer) => this.#nameOf(newcomer),
      clock,
      log,
      traces,
      standIn: new StandIn(await loginKey(store, random)),
      crashWatch: this.#notes,
    })
    this.#policy = policy
    const parts = {
      queue,
      doors: this.#doors,
      current: () => this.#share(),
      generation: () => this.#current.generation,
      pauses: await Pauses.open(disk, pausesFile(this.spool)),
      users: this.#users,
    }
    this.#courier = openCourier(parts)
    this.#steering = await openSteering({
      ...parts,
      courier: this.#courier,
      seat: this.#seat,
      spool: shardPath(this.spool, this.#seat.shards[0]),
    })
    if (configuration.delivery.paused) this.#courier.pause()
    this.#courier.start()
    const net = this.#seat.workers === 1 ? this.#doors.net : sharedNet(this.#doors.net)
    const queueFlush = flushQueue(queue)
    const current = () => this.#current.configuration
    const mailboxes = openMailboxes({ ...this.#doors, current, users: this.#users })
    for (const listener of listenersOf(configuration.listeners, this.#seat)) {
      const tls = () => this.#current.certificates.get(listener.name)
      const parts = { policy, queue, queueFlush, mailboxes, tls, doors: { ...this.#doors, net } }
      this.#listeners.push(await openListener(listener, parts))
    }
    this.#follow()
    // A promise that a plugin let go of is its bug, and no reason to hang up on everybody.
    this.#doors.process.onUnhandledRejection((reason) => {
      const error = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)
      log.error('bug.unhandled-rejection', { error })
    })
  }

  async reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reloadNow())
    await this.#reloading
  }

  async retryNow(): Promise<void> {
    const count = await this.#courier?.retryNow()
    this.#doors.log.info('queue.retried', { count: count ?? 0 })
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

  suspect(suspects: readonly Suspect[]): void {
    this.#notes?.suspect(suspects)
  }

  async close(graceMs: number): Promise<void> {
    await this.#reloading
    this.#watches.close()
    await this.#steering?.close()
    await Promise.all([
      ...this.#listeners.map((listener) => listener.close(graceMs)),
      this.#courier?.stop(graceMs),
    ])
    await this.#prepared?.generation.retire()
    await this.#shards?.queue.close()
    await this.#notes?.close()
    this.#prepared?.resources.close()
    this.#users.close()
    this.#loader?.loader.close()
    await this.#closeDoors()
  }

  #nameOf({ remote: { address }, environment }: Newcomer): MaybePromise<string | undefined> {
    const { tcpRules, dns } = this.#current.configuration
    // Whose environment is known has been looked up by tcpserver.
    if (environment !== undefined || !wantsHost(tcpRules, address)) return undefined
    return clientName(address, dns.clientNames, this.#doors)
  }

  /** The configuration as the courier of this worker takes it. */
  #share(): Configuration {
    const { configuration } = this.#current
    const { workers } = this.#seat
    if (workers === 1) return configuration
    return { ...configuration, control: shareOfDeliveries(configuration.control, workers) }
  }

  #prepare(): ReturnType<typeof prepare> {
    const loaderFor = (folders: readonly string[]): PluginLoader => this.#loaderFor(folders)
    return prepare({ folder: this.#folder, doors: this.#doors, loaderFor })
  }

  #loaderFor(folders: readonly string[]): PluginLoader {
    const key = folders.join('\n')
    if (this.#loader?.folders === key) return this.#loader.loader
    this.#loader?.loader.close()
    const loader = new PluginLoader({ disk: this.#doors.disk, folders })
    this.#loader = { folders: key, loader }
    return loader
  }

  /** Whatever changes of the configuration leads to a reload. */
  #follow(): void {
    const { configuration, ownCertificate } = this.#current
    this.#watches.follow(configurationPaths(configuration, ownCertificate))
  }

  /** A configuration that its own tests refuse is closed again. */
  async #passesTests({ configuration, generation, resources }: Prepared): Promise<boolean> {
    const { log } = this.#doors
    const { mistakes, doubts } = await testsBeforeForce(this.#folder, configuration)
    if (doubts.length > 0) log.warn('config.tests-failed', { tests: doubts.map(formatMistake) })
    if (mistakes.length === 0) return true
    await generation.retire()
    resources.close()
    log.error('config.kept', { mistakes: mistakes.map(formatMistake) })
    return false
  }

  async #reloadNow(): Promise<void> {
    const { log } = this.#doors
    try {
      const preparation = await this.#prepare()
      if (!preparation.ok) {
        log.error('config.kept', { mistakes: preparation.mistakes.map(formatMistake) })
        return
      }
      const before = this.#current
      const { prepared } = preparation
      if (!(await this.#passesTests(prepared))) return
      this.#prepared = prepared
      this.#follow()
      const retired = this.#policy?.useGeneration(prepared.generation)
      void retired?.then(() => before.resources.close())
      const restart = needRestart(before.configuration, prepared.configuration)
      if (restart.length > 0) log.warn('config.needs-restart', { keys: restart })
      const changed = (await this.#loader?.loader.changed()) ?? []
      if (changed.length > 0) log.warn('plugin.needs-restart', { files: changed })
      log.info('config.reloaded', { entries: prepared.generation.listing.map(({ name }) => name) })
    } catch (error) {
      log.error('config.kept', {
        mistakes: [error instanceof Error ? (error.stack ?? '') : String(error)],
      })
    }
  }
}
