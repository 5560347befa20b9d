/** One delivery as qmail-local makes it, for `postern local`: with what its command line and its surroundings say. */
import { latin1Bytes, utf8Octets } from '../formats/octets.ts'
import { qmailEnvelopeBytes } from '../formats/qmail-queue-protocol.ts'
import type { LocalAddress } from '../delivery/local/local-address.ts'
import {
  deliverLocally,
  type Forwarding,
  type LocalDoors,
  type LocalListener,
} from '../delivery/local/local-delivery.ts'
import { describeInstruction, localReport } from '../delivery/local/report.ts'
import { hard, soft, type Trouble } from '../delivery/local/trouble.ts'
import { MaildirQuotas } from '../delivery/transport/maildir-quotas.ts'
import { MaildirWriter } from '../delivery/transport/maildir-writer.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { systemFileLocks } from '../runtime/node/file-locks.ts'
import { nodePrograms } from '../runtime/node/programs.ts'
import { systemRandom } from '../runtime/node/random.ts'
import type { Programs } from '../runtime/programs.ts'
import { handToProgram } from './queue-program.ts'

export interface LocalCall {
  readonly address: LocalAddress
  readonly defaultDelivery: string
  readonly message: Uint8Array
  /** All that we were started with. */
  readonly environment: ReadonlyMap<string, string>
  /** What stands for qmail-queue where QMAILQUEUE does not say: a program and its arguments. */
  readonly queueProgram: readonly [string, ...string[]]
  readonly hostname: string
  readonly pid: number
  readonly dryRun: boolean
  /** As `LocalDelivery.mostProcesses`. */
  readonly mostProcesses?: number | undefined
  /** Who started us sends on what is forwarded: it is told here, in qmail-queue's form, and nothing is queued. */
  readonly tellForward?: (envelope: Uint8Array) => void
}

/** Where bytes go that qmail-local would print. */
export interface LocalPrinter {
  readonly out: (bytes: Uint8Array) => void
  readonly err: (bytes: Uint8Array) => void
}

/**
 * @param signal where it fires, a program under way is ended with all that it started, and a file is left as it was
 * @returns qmail-local's exit code: 0 done, 100 never, 111 perhaps later
 */
export async function deliverAsCalled(
  call: LocalCall,
  printer: LocalPrinter,
  signal: AbortSignal,
): Promise<number> {
  const delivery = {
    address: octets(call.address),
    message: () => chunks(call.message),
    defaultDelivery: utf8Octets(call.defaultDelivery),
    environment: call.environment,
    mostProcesses: call.mostProcesses,
  }
  const outcome = await deliverLocally(delivery, {
    doors: doorsFor(call, signal),
    listener: listenerFor(call, printer),
    signal,
    dryRun: call.dryRun,
  })
  const { exit, out, err } = localReport(outcome)
  printer.out(latin1Bytes(out))
  printer.err(latin1Bytes(err))
  return exit
}

function doorsFor(call: LocalCall, signal: AbortSignal): LocalDoors {
  const programs = nodePrograms(systemClock)
  const doors = { disk: systemDisk, clock: systemClock, random: systemRandom }
  return {
    ...doors,
    programs,
    locks: systemFileLocks,
    maildirs: new MaildirWriter({
      ...doors,
      process: { pid: call.pid },
      hostname: call.hostname,
    }),
    quotas: new MaildirQuotas(doors),
    forward: async (forwarding) => {
      if (call.tellForward === undefined) {
        return forwardByProgram(programs, { call, forwarding, signal })
      }
      call.tellForward(qmailEnvelopeBytes(forwarding))
      return { queued: '' }
    },
  }
}

function listenerFor({ dryRun }: LocalCall, { out, err }: LocalPrinter): LocalListener {
  return {
    instruction(instruction) {
      const line = describeInstruction(instruction)
      if (dryRun && line !== undefined) out(latin1Bytes(`${line}\n`))
    },
    programWrote(report) {
      out(report.out)
      err(report.err)
    },
    warning: (text) => err(latin1Bytes(`${text}\n`)),
  }
}

interface ForwardByProgram {
  readonly call: LocalCall
  readonly forwarding: Forwarding
  readonly signal: AbortSignal
}

async function forwardByProgram(
  programs: Programs,
  { call: { environment, queueProgram }, forwarding, signal }: ForwardByProgram,
): Promise<{ readonly queued: string } | Trouble> {
  const { message, ...envelope } = forwarding
  const queue = { programs, environment, otherwise: queueProgram }
  const reply = await handToProgram(queue, { envelope, message }, signal)
  if ('queued' in reply) return reply
  const text = `Unable to forward message: ${reply.text}.`
  return reply.permanent ? hard(text) : soft(text)
}

async function* chunks(message: Uint8Array): AsyncIterable<Uint8Array> {
  yield message
}

/** A command line is UTF-8; addresses are compared by their bytes. */
function octets(address: LocalAddress): LocalAddress {
  const { user, home, local, dash, extension, host, sender } = address
  return {
    user: utf8Octets(user),
    home: utf8Octets(home),
    local: utf8Octets(local),
    dash: utf8Octets(dash),
    extension: utf8Octets(extension),
    host: utf8Octets(host),
    sender: utf8Octets(sender),
  }
}
