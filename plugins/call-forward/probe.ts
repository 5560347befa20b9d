/**
 * Asks a back end whether it has a recipient: MAIL FROM:<>, RCPT TO, and no message. Only what it says of the recipient
 * itself is an answer; a refusal of anything else says nothing about anybody.
 */
import {
  formatPath,
  isPosternError,
  PosternError,
  type Clock,
  type Connection,
  type Dns,
  type Mailbox,
  type Net,
  type NetAddress,
  type RouteTarget,
} from 'postern/plugin'
import { Dialogue, type Reply } from './dialogue.ts'

export type BackEnd = Exclude<RouteTarget, { readonly kind: 'mx' | 'qmtp' }>

export interface ProbeDoors {
  readonly net: Net
  readonly dns: Dns
  readonly clock: Clock
}

export interface ProbeRequest {
  readonly backEnd: BackEnd
  readonly mailbox: Mailbox
  /** What we call ourselves. */
  readonly hostname: string
  /** For all of it. */
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

export interface Probed {
  /** `later`: it does not know now, has no room now, or will not say. */
  readonly answer: 'yes' | 'no' | 'later'
  readonly reply: Reply
}

/** Of one host. */
const mostAddresses = 4

/** @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, DNS_FAILED, ABORTED */
export async function probe(
  { net, dns, clock }: ProbeDoors,
  { backEnd, mailbox, hostname, deadlineMs, signal }: ProbeRequest,
): Promise<Probed> {
  const endMs = clock.monotonicMs() + deadlineMs
  const leftMs = (): number => Math.max(0, endMs - clock.monotonicMs())
  const addresses = await addressesOf(backEnd, dns, signal)
  const connection = await firstConnection({ addresses, net, leftMs, signal })
  const dialogue = new Dialogue(connection)
  const timer = clock.after(leftMs(), () =>
    dialogue.giveUp(new PosternError('TIMEOUT', 'the back end')),
  )
  const aborted = (): void => dialogue.giveUp(new PosternError('ABORTED'))
  signal.addEventListener('abort', aborted)
  try {
    if (signal.aborted) aborted()
    return await converse(dialogue, { mailbox, hostname, protocol: backEnd.kind })
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', aborted)
    dialogue.quit()
  }
}

async function converse(
  dialogue: Dialogue,
  {
    mailbox,
    hostname,
    protocol,
  }: { readonly mailbox: Mailbox; readonly hostname: string; readonly protocol: 'smtp' | 'lmtp' },
): Promise<Probed> {
  expectYes('the greeting', await dialogue.reply())
  const hello = await dialogue.ask(`${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${hostname}`)
  if (hello.code >= 500 && protocol === 'smtp') {
    expectYes('HELO', await dialogue.ask(`HELO ${hostname}`))
  } else expectYes('EHLO', hello)
  expectYes('MAIL FROM:<>', await dialogue.ask('MAIL FROM:<>'))
  const reply = await dialogue.ask(`RCPT TO:${formatPath(mailbox)}`)
  return { answer: meaningOf(reply), reply }
}

/**
 * A full mailbox exists; a reply about policy (X.7) speaks of us, not of the recipient (RFC 3463 §3): it is no answer, but the
 * back end is well, and others are asked about.
 */
function meaningOf(reply: Reply): Probed['answer'] {
  const { code, status } = reply
  if (code >= 200 && code < 300) return 'yes'
  if (code < 500 || code > 599) return 'later'
  if (code === 552 || status.startsWith('5.2.2')) return 'later'
  if (status !== '' && !/^5\.[12]\./.test(status)) return 'later'
  return 'no'
}

function expectYes(step: string, reply: Reply): void {
  if (reply.code < 200 || reply.code > 299) throw turnedAway(step, reply)
}

function turnedAway(step: string, { code, status, text }: Reply): PosternError {
  return new PosternError('PEER_FAILED', `${step}: ${code} ${status} ${text}`.slice(0, 200))
}

/** The next address where the one before does not answer; each has its share of the time that is left. */
async function firstConnection({
  addresses,
  net,
  leftMs,
  signal,
}: {
  readonly addresses: readonly NetAddress[]
  readonly net: Net
  readonly leftMs: () => number
  readonly signal: AbortSignal
}): Promise<Connection> {
  let failure: unknown
  for (const [index, address] of addresses.entries()) {
    const timeoutMs = leftMs() / (addresses.length - index)
    try {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      return await net.connect({ address, timeoutMs, signal })
    } catch (error) {
      if (isPosternError(error, 'ABORTED')) throw error
      failure = error
    }
  }
  throw failure
}

async function addressesOf(
  backEnd: BackEnd,
  dns: Dns,
  signal: AbortSignal,
): Promise<readonly NetAddress[]> {
  const to = backEnd.kind === 'lmtp' ? backEnd.to : backEnd
  if ('path' in to) return [{ path: to.path }]
  const { host, port } = to
  if (/^[\d.]+$|:/.test(host)) return [{ host, port }]
  const found = await dns.addresses(host, signal)
  const records = found.answer === 'found' ? found.records.slice(0, mostAddresses) : []
  if (records.length === 0) throw new PosternError('CONNECT_FAILED', `${host} has no address`)
  return records.map((each) => ({ host: each, port }))
}
