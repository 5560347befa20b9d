/** The courier with everything it needs; what the control files say it asks for anew each time. */
import type { Configuration } from '../config/configuration.ts'
import type { Attempt } from '../delivery/attempt.ts'
import { createBouncer } from '../delivery/bounce.ts'
import { Courier } from '../delivery/courier.ts'
import { StsPolicies } from '../delivery/mta-sts/policies.ts'
import { createRouter } from '../delivery/router.ts'
import { lmtpTransport } from '../delivery/transport/lmtp.ts'
import { maildirTransport } from '../delivery/transport/maildir.ts'
import type { PoolLimits } from '../delivery/transport/session-pool.ts'
import { smtpTransport, type SmtpOptions, type SmtpSettings } from '../delivery/transport/smtp.ts'
import { sameForEachStep } from '../delivery/transport/smtp-timeouts.ts'
import { AttemptRecorder } from '../filter/attempts.ts'
import type { Generation } from '../filter/generation.ts'
import type { TraceTables } from '../filter/trace-tables.ts'
import { formatMailbox } from '../mail/address.ts'
import type { Queue } from '../queue/queue.ts'
import type { Doors } from '../runtime/doors.ts'
import type { Net, TlsTrust } from '../runtime/net.ts'
import { pluginTransport, routerWithPlugins } from './plugin-delivery.ts'

export interface CourierParts {
  readonly queue: Queue
  readonly doors: Doors
  readonly traces: TraceTables
  /** The configuration in force. */
  readonly current: () => Configuration
  readonly generation: () => Generation
}

/** Messages under way at a time: enough for every delivery slot, few enough for memory. */
const messagesUnderWay = 500
/** Larger messages are bounced without their body. */
const bounceBytes = 256 * 1024

export function openCourier(parts: CourierParts): Courier {
  const { queue, doors, traces, current, generation } = parts
  const { clock, random, log, net, dns, disk, process } = doors
  const control = () => current().control
  const { maildirs } = current().delivery
  const { me: hostname } = control()
  const settings = smtpSettings(current, net)
  const pool = poolLimits(current())
  const policies = new StsPolicies(doors)
  const stsPolicies: SmtpOptions['stsPolicies'] = {
    find: async (domain, signal) =>
      current().delivery.tls.mtaSts ? policies.find(domain, signal) : undefined,
  }
  const dane = doors.secureDns === undefined ? {} : { secureDns: doors.secureDns }
  const outgoing = { net, dns, clock, random, log, settings, pool, stsPolicies, ...dane }
  const recorder = new AttemptRecorder(traces)
  return new Courier({
    queue,
    clock,
    log,
    router: routerWithPlugins(
      { generation, clock },
      createRouter({
        mailRoot: maildirs,
        tables: () => {
          const { envNoAtHost, locals, smtpRoutes } = control()
          const { routes } = current().delivery
          return { defaultHost: envNoAtHost, locals, smtpRoutes, routes }
        },
      }),
    ),
    carriers: {
      plugin: { channel: 'remote', transport: pluginTransport({ generation, clock }) },
      maildir: {
        channel: 'local',
        transport: maildirTransport({ disk, clock, random, process, hostname }),
      },
      smtp: { channel: 'remote', transport: smtpTransport(outgoing) },
      lmtp: { channel: 'local', transport: lmtpTransport(outgoing) },
    },
    bouncer: createBouncer({
      queue,
      clock,
      random,
      log,
      settings: () => {
        const { me, bounceFrom, bounceHost, doubleBounceTo, doubleBounceHost } = control()
        return {
          hostname: me,
          from: { localPart: bounceFrom, domain: bounceHost },
          doubleBounceTo: { localPart: doubleBounceTo, domain: doubleBounceHost },
          maxBytes: bounceBytes,
        }
      },
    }),
    limits: () => {
      const { concurrencyLocal, concurrencyRemote, queueLifetimeSeconds } = control()
      return {
        local: concurrencyLocal,
        remote: concurrencyRemote,
        messages: messagesUnderWay,
        lifetimeMs: queueLifetimeSeconds * 1000,
      }
    },
    observer: { attempted: (attempt) => recorder.record(recorded(attempt)) },
  })
}

/** What the configuration in force says of outgoing connections. */
function smtpSettings(current: () => Configuration, net: Net): () => SmtpSettings {
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

function recorded(attempt: Attempt): Parameters<AttemptRecorder['record']>[0] {
  const { queueId, recipient, routeKey, result, startedAt, durationMs } = attempt
  const { outcome, status, text } = result
  return {
    queueId,
    recipient: formatMailbox(recipient.mailbox),
    route: routeKey ?? '',
    outcome,
    status,
    text,
    startedAt,
    durationMs,
  }
}
