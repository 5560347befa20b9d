/** maildirsmtp, maildirqmtp and setlock, for hosts that are not always there. */
import { readOffline } from '../read-offline.ts'
import { bounceSettings } from '../open-bouncer.ts'
import { silentLog } from '../silent-log.ts'
import { dnsFor } from '../configured-dns.ts'
import { handToProgram } from '../queue-program.ts'
import { serialBounce } from '../serial-bounce.ts'
import { sendMaildir, serialLifetimeMs, type SerialMail } from '../serial-maildir.ts'
import { qmtpTransport } from '../../delivery/transport/qmtp.ts'
import { smtpTransport } from '../../delivery/transport/smtp.ts'
import { lfLines } from '../../formats/lf-lines.ts'
import { utf8Octets } from '../../formats/octets.ts'
import { formatPlainAddress } from '../../formats/qmail-address.ts'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import { doubleBounceUser } from '../../mail/double-bounce.ts'
import { isPosternError } from '../../mail/errors.ts'
import { systemClock } from '../../runtime/node/clock.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { nodeNet } from '../../runtime/node/net.ts'
import { systemRandom } from '../../runtime/node/random.ts'
import type { Surroundings } from './surroundings.ts'
import { fatal, usage, type ToolEnd } from './tool-end.ts'

const smtpPort = 25
const qmtpPort = 209

/** `maildirsmtp dir prefix host helohost` */
export function maildirsmtp(call: Surroundings, config: string): Promise<ToolEnd> {
  const program = 'maildirsmtp'
  const [folder, prefix, host, helloName, ...more] = call.args
  if (folder === undefined || prefix === undefined || host === undefined || more.length > 0) {
    return Promise.resolve(usage(program, 'maildirsmtp dir prefix host helohost'))
  }
  if (helloName === undefined) {
    return Promise.resolve(usage(program, 'maildirsmtp dir prefix host helohost'))
  }
  const transport = smtpTransport({ ...doors(helloName, config), pool: () => ({ idleMs: 5_000 }) })
  const to = targetOf(host, smtpPort)
  const route = { transport: 'smtp', key: host, lookup: 'host', ...to } as const
  return serial(
    { program, call, config, folder, prefix },
    {
      deliver: (mail) => first(transport.deliver(deliveryOf(mail, route), neverAborted())),
      close: () => transport.close?.(),
    },
  )
}

/** `maildirqmtp dir prefix host` */
export function maildirqmtp(call: Surroundings, config: string): Promise<ToolEnd> {
  const program = 'maildirqmtp'
  const [folder, prefix, host, ...more] = call.args
  if (folder === undefined || prefix === undefined || host === undefined || more.length > 0) {
    return Promise.resolve(usage(program, 'maildirqmtp dir prefix host'))
  }
  const transport = qmtpTransport(doors(call.hostname, config))
  const route = { transport: 'qmtp', key: host, ...targetOf(host, qmtpPort) } as const
  return serial(
    { program, call, config, folder, prefix },
    {
      deliver: (mail) => first(transport.deliver(deliveryOf(mail, route), neverAborted())),
      close: () => undefined,
    },
  )
}

function doors(helloName: string, config: string) {
  return {
    net: nodeNet,
    dns: dnsFor(config),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    settings: () => ({ helloName }),
  }
}

/** Ours: a port may follow the host, behind a colon; IPv6 in brackets then. */
function targetOf(text: string, usual: number): { readonly host: string; readonly port: number } {
  const [, bracketed, name, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? name
  return host === undefined
    ? { host: text, port: usual }
    : { host, port: digits === undefined ? usual : Number(digits) }
}

function deliveryOf<R>({ message, envelope }: SerialMail, route: R) {
  return { queueId: 'serial', message, envelope, recipients: envelope.recipients, route }
}

const neverAborted = (): AbortSignal => new AbortController().signal

async function first(results: Promise<readonly DeliveryResult[]>): Promise<DeliveryResult> {
  const [result] = await results
  if (result === undefined) throw new Error('a delivery without a result')
  return result
}

interface Job {
  readonly program: string
  readonly call: Surroundings
  readonly config: string
  readonly folder: string
  readonly prefix: string
}

interface Carrier {
  readonly deliver: (mail: SerialMail) => Promise<DeliveryResult>
  readonly close: () => void
}

/** 0 once all messages have been tried, whatever became of them; 111 where the Maildir cannot be read. */
async function serial(job: Job, { deliver, close }: Carrier): Promise<ToolEnd> {
  const { program, call, folder, prefix } = job
  let err = ''
  try {
    await sendMaildir({
      disk: systemDisk,
      folder,
      prefix: utf8Octets(prefix),
      now: call.now,
      lifetimeMs: serialLifetimeMs,
      deliver,
      bounce: (mail, result) => bounce(job, mail, result),
      told: (name, outcome, text) => {
        err += `maildirserial: info: ${utf8Octets(name)} ${outcome}: ${text}\n`
      },
    })
    return { exit: 0, out: '', err }
  } catch (error) {
    if (!isPosternError(error)) throw error
    const { err: why } = fatal(
      program,
      111,
      `unable to send ${utf8Octets(folder)}: ${error.message}`,
    )
    return { exit: 111, out: '', err: err + why }
  } finally {
    close()
  }
}

/** By the queue. @returns whether it is promised */
async function bounce(
  { call, config }: Job,
  mail: SerialMail,
  result: DeliveryResult,
): Promise<boolean> {
  const settings = bounceSettings(readOffline(config))
  const made = await serialBounce(mail, result, { settings, now: call.now() })
  // Nobody is to be told of a bounce that bounced.
  if (made === undefined) return true
  const sender = mail.envelope.reversePath === null ? doubleBounceUser : ''
  const notice = {
    envelope: { sender, recipients: [formatPlainAddress(made.to)] },
    message: lfLines(oneChunk(made.dsn.bytes)),
  }
  return 'queued' in (await handToProgram(call.queue, notice, neverAborted()))
}

async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
