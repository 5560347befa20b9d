/** The courier with everything it needs; what the control files say it asks for anew each time. */
import type { Configuration } from '../config/configuration.ts'
import type { Attempt, AttemptObserver } from '../delivery/attempt.ts'
import { Courier } from '../delivery/courier.ts'
import { StsPolicies } from '../delivery/mta-sts/policies.ts'
import { becomeUser, type BecomeUserOptions } from '../delivery/local/become-user.ts'
import { forwardIntoQueue } from '../delivery/local/forward.ts'
import { localTransport } from '../delivery/local/local-transport.ts'
import { OwnerProcesses } from '../delivery/local/owner-processes.ts'
import { routerWithMailboxes } from '../delivery/mailboxes/mailbox-router.ts'
import { withOwnSenders } from '../delivery/own-senders.ts'
import { createRouter } from '../delivery/router.ts'
import { aliasTransport } from '../delivery/transport/alias.ts'
import { lmtpTransport } from '../delivery/transport/lmtp.ts'
import { MaildirQuotas } from '../delivery/transport/maildir-quotas.ts'
import { MaildirWriter } from '../delivery/transport/maildir-writer.ts'
import { maildirTransport } from '../delivery/transport/maildir.ts'
import { mxpsTransport } from '../delivery/transport/mxps.ts'
import { qmtpTransport } from '../delivery/transport/qmtp.ts'
import type { PoolLimits } from '../delivery/transport/session-pool.ts'
import { smtpTransport, type SmtpOptions, type SmtpSettings } from '../delivery/transport/smtp.ts'
import { sameForEachStep } from '../delivery/transport/smtp-timeouts.ts'
import { TlsCounts } from '../delivery/tls-rpt/counts.ts'
import type { TlsObserver } from '../delivery/tls-rpt/sighting.ts'
import { AttemptRecorder } from '../filter/attempts.ts'
import type { Generation } from '../filter/generation.ts'
import { formatMailbox, formatPath } from '../mail/address.ts'
import { deliveryMeter } from '../delivery/delivery-meter.ts'
import type { LocalRoute } from '../mail/route.ts'
import type { Queue } from '../queue/queue.ts'
import type { Doors } from '../runtime/doors.ts'
import type { HopTurns } from '../runtime/hop-turns.ts'
import { SharedCode } from '../runtime/node/shared-code.ts'
import { systemFileLocks } from '../runtime/node/file-locks.ts'
import type { FileDrop } from '../runtime/file-drop.ts'
import { threadDrop } from '../runtime/node/file-drop.ts'
import type { Net, TlsTrust } from '../runtime/net.ts'
import type { Pauses } from '../delivery/pauses.ts'
import type { Router, Transport } from '../delivery/transport.ts'
import type { LocalUsers } from './local-users.ts'
import { localProgram, ownerProgram, programEnvironment } from './local-program.ts'
import { openBouncer } from './open-bouncer.ts'
import type { SenderRewriting } from '../delivery/sender-rewriting.ts'
import { openRewriting } from './open-rewriting.ts'
import { pluginTransport, routerWithPlugins } from './plugin-delivery.ts'
import { destinationLimits } from './destination-limits.ts'
import { routingTables } from './routing-tables.ts'
import { signedPost } from './signed-post.ts'

export interface CourierParts {
  readonly queue: Queue
  readonly doors: Doors
  /** The configuration in force. */
  readonly current: () => Configuration
  readonly generation: () => Generation
  readonly pauses: Pauses
  readonly users: LocalUsers
  /** Told of each try; it must not throw. */
  readonly observer?: AttemptObserver
  /** Absent where there is one worker. */
  readonly turns?: HopTurns | undefined
}

/** What finding a route needs of all that. */
export interface RouterParts extends Pick<CourierParts, 'current'> {
  readonly doors: Pick<Doors, 'accounts' | 'clock'>
  readonly generation: () => Pick<Generation, 'entries'>
  readonly users: Pick<LocalUsers, 'directory'>
}

/** Plugins are asked first. */
export function openRouter({
  doors: { accounts, clock },
  current,
  generation,
  users,
}: RouterParts): Router {
  const { maildirs: mailRoot } = current().delivery
  const tables = () => routingTables(current())
  const ours = createRouter({ mailRoot, tables, users: () => users.directory })
  const router = routerWithMailboxes({ accounts, mailRoot, tables }, ours)
  return routerWithPlugins({ generation, clock }, router)
}

/** Messages under way at a time, those included that wait for a slot: of all others only the index entry is in memory. */
const messagesUnderWay = 10_000

export function openCourier(parts: CourierParts): Courier {
  const { queue, doors, current, generation, pauses, users } = parts
  const { clock, random, log, net, dns, disk, process, traces } = doors
  const control = () => current().control
  const { me: hostname } = control()
  const settings = smtpSettings(current, net)
  const pool = poolLimits(current())
  const meter = deliveryMeter(doors.metrics)
  const counts = new TlsCounts(doors.store, {
    now: () => clock.now(),
    run: Buffer.from(random.bytes(8)).toString('base64url'),
  })
  const tlsSeen: TlsObserver = (sighting) => {
    meter.tlsSeen(sighting)
    counts.count(sighting)
  }
  const policies = new StsPolicies(doors, tlsSeen)
  const stsPolicies: SmtpOptions['stsPolicies'] = {
    find: async (domain, signal) =>
      current().delivery.tls.mtaSts ? policies.find(domain, signal) : undefined,
  }
  const dane = doors.secureDns === undefined ? {} : { secureDns: doors.secureDns }
  const outgoing = { net, dns, clock, random, log, settings, pool, stsPolicies, tlsSeen, ...dane }
  const smtp = smtpTransport(outgoing)
  const mxps = () => current().delivery.mxps
  const recorder = new AttemptRecorder(traces)
  const drop = threadDrop(log)
  const rewriting = openRewriting({ ...doors, current })
  const maildir = maildirTransport({ disk, clock, random, process, hostname, drop })
  return new Courier({
    queue,
    clock,
    log,
    router: openRouter({ doors, current, generation, users }),
    pauses,
    turns: parts.turns,
    carriers: {
      plugin: {
        channel: 'remote',
        transport: withOwnSenders(pluginTransport({ generation, clock })),
      },
      maildir: {
        channel: 'local',
        transport: withOwnSenders({ ...maildir, close: () => void drop.close() }),
      },
      alias: {
        channel: 'local',
        transport: withOwnSenders(aliasTransport({ queue, maildir, rewriting })),
      },
      local: {
        channel: 'local',
        transport: withOwnSenders(userTransport(parts, { drop, rewriting })),
      },
      smtp: { channel: 'remote', transport: mxpsTransport({ ...outgoing, smtp, wanted: mxps }) },
      lmtp: { channel: 'local', transport: lmtpTransport(outgoing) },
      qmtp: { channel: 'remote', transport: qmtpTransport(outgoing) },
    },
    bouncer: openBouncer({
      queue: signedPost({ ...parts, hostname: () => control().me }),
      disk,
      clock,
      random,
      log,
      current,
      queued: meter.bounced,
    }),
    destination: (route) => destinationLimits(route, current()),
    limits: () => {
      const { concurrencyLocal, concurrencyRemote, queueLifetimeSeconds } = control()
      return {
        local: concurrencyLocal,
        remote: concurrencyRemote,
        messages: messagesUnderWay,
        lifetimeMs: queueLifetimeSeconds * 1000,
        delayNoticeMs: current().delivery.delayNoticeMs,
      }
    },
    observer: {
      attempted(attempt, entry) {
        meter.attempted(attempt)
        parts.observer?.attempted(attempt, entry)
        recorder.record(recorded(attempt, entry))
      },
    },
  })
}

/** To users of this host, by their .qmail files. */
function userTransport(
  { queue, doors, current }: CourierParts,
  { drop, rewriting }: { readonly drop: FileDrop; readonly rewriting: SenderRewriting },
): Transport<LocalRoute> {
  const { disk, clock, random, log, process, programs } = doors
  const { me: hostname } = current().control
  const maildirs = new MaildirWriter({ disk, clock, random, process, hostname, drop })
  const quotas = new MaildirQuotas({ disk, clock, random })
  const defaultHost = (): string => current().control.envNoAtHost
  const forward = forwardIntoQueue({ queue, log, defaultHost, rewriting })
  const deliver = byTheUser(doors)
  return localTransport({
    doors: { disk, clock, programs, maildirs, quotas, locks: systemFileLocks, forward },
    uid: process.uid,
    becoming: deliver && becomeUser({ deliver, forward }),
    settings: () => ({
      defaultDelivery: current().control.defaultDelivery,
      environment: programEnvironment(current().folder),
      timeoutMs: current().delivery.localTimeoutMs,
      memoryBytes: current().delivery.localMemoryBytes,
      mostProcesses: current().delivery.localProcesses,
    }),
  })
}

/** By whom mail reaches the users: by nobody but ourselves, where we are not root and have nobody who is. */
function byTheUser({
  clock,
  programs,
  process,
  deliverer,
}: Doors): BecomeUserOptions['deliver'] | undefined {
  if (deliverer !== undefined) {
    return (delivery, _, signal) => {
      const { local, host, sender } = delivery.address
      return deliverer.deliver({ local, host, sender }, delivery.message(), signal)
    }
  }
  if (process.uid !== 0) return undefined
  const code = new SharedCode({ programs, clock, command: ownerProgram })
  const processes = new OwnerProcesses({
    programs,
    clock,
    program: localProgram,
    command: ownerProgram,
    variablesFor: (uid) => code.variablesFor(uid),
  })
  return (delivery, owner, signal) => processes.deliver(delivery, owner, signal)
}

/** What the configuration in force says of outgoing connections. */
export function smtpSettings(current: () => Configuration, net: Net): () => SmtpSettings {
  let made: { readonly authorities: string; readonly trust: TlsTrust } | undefined
  const trustIn = (authorities: string): TlsTrust => {
    if (made?.authorities !== authorities) made = { authorities, trust: net.tlsTrust(authorities) }
    return made.trust
  }
  return () => {
    const { control, delivery } = current()
    const { heloHost, outgoingIp, timeoutConnectSeconds, timeoutRemoteSeconds } = control
    const { policies, otherwise, authorities } = delivery.tls
    return {
      helloName: heloHost,
      sourceAddresses: outgoingIp,
      families: delivery.addressFamily,
      maxRecipients: delivery.recipientsPerTransaction,
      tlsPolicy: (host, exchanger) => policies.find(host) ?? policies.find(exchanger),
      tellsSource: (host) => delivery.xforward.has(host.toLowerCase()),
      eightBit: delivery.eightBit,
      defaultTls: otherwise,
      ...(authorities === undefined ? {} : { trust: trustIn(authorities) }),
      timeouts: {
        ...(timeoutRemoteSeconds === undefined ? {} : sameForEachStep(timeoutRemoteSeconds * 1000)),
        connectMs: timeoutConnectSeconds * 1000,
      },
    }
  }
}

function poolLimits({ delivery: { reuse } }: Configuration): Partial<PoolLimits> {
  return { idleMs: reuse.idleMs, mails: reuse.messages }
}

function recorded(
  attempt: Attempt,
  { envelope, receivedAt }: Parameters<AttemptObserver['attempted']>[1],
): Parameters<AttemptRecorder['record']>[0] {
  const { queueId, recipient, routeKey, result, startedAt, durationMs } = attempt
  const { outcome, status } = result
  const note = outcome === 'delivered' && result.note !== undefined ? ` (${result.note})` : ''
  return {
    queueId,
    recipient: formatMailbox(recipient.mailbox),
    reversePath: formatPath(envelope.reversePath),
    receivedAt,
    route: routeKey ?? '',
    outcome,
    status,
    text: `${result.text}${note}`,
    startedAt,
    durationMs,
  }
}
