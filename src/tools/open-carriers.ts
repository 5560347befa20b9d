/** What carries mail away: a transport for each kind of route. What the control files say is asked for anew each time. */
import type { Configuration } from '../config/configuration.ts'
import { whileObeyed } from '../delivery/dane.ts'
import type { DeliveryMeter } from '../delivery/delivery-meter.ts'
import { becomeUser, type BecomeUserOptions } from '../delivery/local/become-user.ts'
import { forwardIntoQueue } from '../delivery/local/forward.ts'
import { localTransport } from '../delivery/local/local-transport.ts'
import { OwnerProcesses } from '../delivery/local/owner-processes.ts'
import { StsPolicies } from '../delivery/mta-sts/policies.ts'
import { withOwnSenders } from '../delivery/own-senders.ts'
import type { Carriers } from '../delivery/pass.ts'
import type { SenderRewriting } from '../delivery/sender-rewriting.ts'
import { TlsCounts } from '../delivery/tls-rpt/counts.ts'
import type { TlsObserver } from '../delivery/tls-rpt/sighting.ts'
import type { Transport } from '../delivery/transport.ts'
import { aliasTransport } from '../delivery/transport/alias.ts'
import { lmtpTransport } from '../delivery/transport/lmtp.ts'
import { MaildirQuotas } from '../delivery/transport/maildir-quotas.ts'
import { MaildirWriter } from '../delivery/transport/maildir-writer.ts'
import { maildirTransport } from '../delivery/transport/maildir.ts'
import { mxpsTransport } from '../delivery/transport/mxps.ts'
import { qmtpTransport } from '../delivery/transport/qmtp.ts'
import type { PoolLimits } from '../delivery/transport/session-pool.ts'
import { sameForEachStep } from '../delivery/transport/smtp-timeouts.ts'
import { smtpTransport, type SmtpOptions, type SmtpSettings } from '../delivery/transport/smtp.ts'
import type { Generation } from '../filter/generation.ts'
import type { LocalRoute } from '../mail/route.ts'
import type { Queue } from '../queue/queue.ts'
import type { Doors } from '../runtime/doors.ts'
import type { FileDrop } from '../runtime/file-drop.ts'
import type { Net, TlsTrust } from '../runtime/net.ts'
import { threadDrop } from '../runtime/node/file-drop.ts'
import { systemFileLocks } from '../runtime/node/file-locks.ts'
import { SharedCode } from '../runtime/node/shared-code.ts'
import { localProgram, ownerProgram, programEnvironment } from './local-program.ts'
import { openRewriting } from './open-rewriting.ts'
import { pluginTransport } from './plugin-delivery.ts'

export interface CarrierParts {
  readonly queue: Queue
  readonly doors: Doors
  /** The configuration in force. */
  readonly current: () => Configuration
  readonly generation: () => Generation
}

/** @param meter counts the TLS of outgoing mail */
export function openCarriers(parts: CarrierParts, meter: Pick<DeliveryMeter, 'tlsSeen'>): Carriers {
  const { queue, doors, current, generation } = parts
  const { clock, random, disk, process, log } = doors
  const { me: hostname } = current().control
  const drop = threadDrop(log)
  const rewriting = openRewriting({ ...doors, current })
  const maildir = maildirTransport({ disk, clock, random, process, hostname, drop })
  const outgoing = outgoingMail(parts, meter)
  const smtp = smtpTransport(outgoing)
  const wanted = () => current().delivery.mxps
  return {
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
    smtp: { channel: 'remote', transport: mxpsTransport({ ...outgoing, smtp, wanted }) },
    lmtp: { channel: 'local', transport: lmtpTransport(outgoing) },
    qmtp: { channel: 'remote', transport: qmtpTransport(outgoing) },
  }
}

/** What the transports that reach other hosts share: sessions, MTA-STS, DANE, and the count of TLS for reports. */
function outgoingMail(
  { doors, current }: CarrierParts,
  meter: Pick<DeliveryMeter, 'tlsSeen'>,
): SmtpOptions {
  const { clock, random, log, net, dns } = doors
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
  return {
    net,
    dns,
    clock,
    random,
    log,
    settings: smtpSettings(current, net),
    pool: () => poolLimits(current()),
    stsPolicies,
    tlsSeen,
    secureDns: whileObeyed(doors.secureDns, () => current().delivery.tls.dane),
  }
}

/** To users of this host, by their .qmail files. */
function userTransport(
  { queue, doors, current }: CarrierParts,
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
