/**
 * What qmail-local does: finds the .qmail file of an address and obeys it, line by line. What a line has done stays
 * done when a later one fails: a retry may do it again. Forwards go together, after everything else.
 */
import { latin1Bytes } from '../../formats/octets.ts'
import { maxAddressBytes } from '../../formats/qmail-queue-protocol.ts'
import { parseDotQmail, type Instruction } from '../../formats/dot-qmail.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk } from '../../runtime/disk.ts'
import type { Programs } from '../../runtime/programs.ts'
import { checkHome, findDotQmail, newSenderOf, type FoundDotQmail } from './dot-qmail-file.ts'
import type { DeliveryLines, LocalAddress } from './local-address.ts'
import { deliveryLines, localEnvironment } from './local-environment.ts'
import { comesBack } from './loop.ts'
import type { Received } from './passed-on.ts'
import { runLocalProgram, type ProgramReport } from './local-program.ts'
import { deliverToMaildir, type MaildirDoors } from './maildir.ts'
import { deliverToMbox, type MboxDoors } from './mbox.ts'
import { hard, soft, type Trouble } from './trouble.ts'

export interface LocalDelivery {
  readonly address: LocalAddress
  /** With LF line ends, from its beginning each time. */
  message(): AsyncIterable<Uint8Array>
  /** Instructions for an address without any, as `control/defaultdelivery` has them. */
  readonly defaultDelivery: string
  /** What programs see beside the variables of this delivery, such as PATH. */
  readonly environment: ReadonlyMap<string, string>
  /** What each process of a program may hold in memory; absent: what we may hold ourselves. */
  readonly memoryBytes?: number | undefined
  /**
   * How many processes and threads the owner may have before his programs start no further one. Where we ourselves are the
   * owner it is not heeded: our own count among them, on a large host thousands. Absent: what the system allows.
   */
  readonly mostProcesses?: number | undefined
  /** What it came with; absent where only its sender is known. */
  readonly received?: Received | undefined
}

/** Mail that an address sends on. */
export interface Forwarding {
  readonly sender: string
  readonly recipients: readonly string[]
  readonly message: AsyncIterable<Uint8Array>
  /** As `LocalDelivery.received`. */
  readonly received?: Received | undefined
}

/** What was forwarded lies in a queue. */
export interface Forwarded {
  /** Its name there. */
  readonly queued: string
  /** As `DeliveryResult.ledTo`. */
  readonly ledTo?: readonly string[]
  /** As `DeliveryResult.relayed`. */
  readonly relayed?: 'with-dsn'
}

export interface LocalDoors extends MboxDoors, MaildirDoors {
  readonly disk: Disk
  readonly clock: Clock
  readonly programs: Programs
  forward(forwarding: Forwarding): Promise<Forwarded | Trouble>
}

/** Who hears what is done, and what programs write. */
export interface LocalListener {
  instruction(instruction: Instruction): void
  programWrote(report: ProgramReport): void
  warning(text: string): void
}

export interface LocalCounts {
  readonly files: number
  readonly forwards: number
  readonly programs: number
}

export type LocalOutcome =
  | ({ readonly ok: true; readonly did: LocalCounts } & Partial<Forwarded>)
  | { readonly ok: false; readonly trouble: Trouble }

export interface LocalRun {
  readonly doors: LocalDoors
  readonly listener: LocalListener
  readonly signal: AbortSignal
  /** Only say what would be done, as `qmail-local -n`. */
  readonly dryRun: boolean
}

/** Delivers one message to one address. Never throws for what a disk, a program or an owner did. */
export async function deliverLocally(
  delivery: LocalDelivery,
  run: LocalRun,
): Promise<LocalOutcome> {
  const { address } = delivery
  const { disk, clock } = run.doors
  const home = await checkHome(disk, address.home)
  if (home === 'sticky') {
    if (!run.dryRun) return failed(soft(stickyHome))
    run.listener.warning('Warning: home directory is sticky.')
  } else if (home !== undefined) return failed(home)

  const lines = deliveryLines(address, clock.now())
  if (!run.dryRun && (await comesBack(delivery.message(), lines.deliveredTo))) {
    return failed(hard(looping))
  }
  const found = await findDotQmail(disk, address)
  if ('exit' in found) return failed(found)
  const newSender = await newSenderOf(disk, address)
  if (typeof newSender !== 'string') return failed(newSender)
  const obeyed = found.isEmpty ? defaultInstructions(delivery) : found
  if (obeyed.beginsBlank) return failed(soft(blank))
  return new Obedience(delivery, { run, lines, newSender, default: found.default }).obey(obeyed)
}

const stickyHome = 'Home directory is sticky: user is editing his .qmail file. (#4.2.1)'
const looping = 'This message is looping: it already has my Delivered-To line. (#5.4.6)'
const blank = 'Uh-oh: first line of .qmail file is blank. (#4.2.1)'

function defaultInstructions({ defaultDelivery }: LocalDelivery): FoundDotQmail {
  return { ...parseDotQmail(latin1Bytes(defaultDelivery)), isEmpty: true, forwardOnly: false }
}

function failed(trouble: Trouble): LocalOutcome {
  return { ok: false, trouble }
}

interface Circumstances {
  readonly run: LocalRun
  readonly lines: DeliveryLines
  readonly newSender: string
  readonly default: string | undefined
}

/** One file of instructions being obeyed. */
class Obedience {
  readonly #delivery: LocalDelivery
  readonly #circumstances: Circumstances
  readonly #recipients: string[] = []
  #forwardOnly = false
  #files = 0
  #forwards = 0
  #programs = 0

  constructor(delivery: LocalDelivery, circumstances: Circumstances) {
    this.#delivery = delivery
    this.#circumstances = circumstances
  }

  async obey({ instructions, forwardOnly }: FoundDotQmail): Promise<LocalOutcome> {
    this.#forwardOnly = forwardOnly
    for (const instruction of instructions) {
      const outcome = await this.#obeyOne(instruction)
      if (outcome === 'last') break
      if (outcome !== undefined) return failed(outcome)
    }
    const sent = await this.#forward()
    if (sent !== undefined && 'exit' in sent) return failed(sent)
    const did = { files: this.#files, forwards: this.#forwards, programs: this.#programs }
    return { ok: true, did, ...sent }
  }

  async #obeyOne(instruction: Instruction): Promise<Trouble | 'last' | undefined> {
    const refused = this.#forwardOnly ? mayNot(instruction) : undefined
    if (refused !== undefined) return refused
    const { run } = this.#circumstances
    if (instruction.do === 'forward-only') this.#forwardOnly = true
    this.#count(instruction)
    run.listener.instruction(instruction)
    return run.dryRun ? undefined : this.#act(instruction)
  }

  #count(instruction: Instruction): void {
    if (instruction.do === 'forward') this.#forwards += 1
    else if (instruction.do === 'program') this.#programs += 1
    else if (instruction.do !== 'forward-only') this.#files += 1
  }

  async #act(instruction: Instruction): Promise<Trouble | 'last' | undefined> {
    const { run, lines } = this.#circumstances
    const { home } = this.#delivery.address
    const message = (): AsyncIterable<Uint8Array> => this.#delivery.message()
    switch (instruction.do) {
      case 'mbox':
        return deliverToMbox(run.doors, { path: instruction.path, home, lines, message: message() })
      case 'maildir':
        return deliverToMaildir(run.doors, {
          path: instruction.path,
          home,
          lines,
          message,
        })
      case 'program':
        return this.#runProgram(instruction.command)
      case 'forward':
        this.#recipients.push(instruction.address)
        return undefined
      case 'forward-only':
        return undefined
    }
  }

  async #runProgram(command: string): Promise<Trouble | 'last' | undefined> {
    const { run, lines, newSender, default: replaced } = this.#circumstances
    const { address, environment: base, memoryBytes, mostProcesses } = this.#delivery
    const naming = { newSender, default: replaced }
    const outcome = await runLocalProgram(
      run.doors.programs,
      {
        command,
        home: address.home,
        environment: localEnvironment(address, lines, { base, naming }),
        message: this.#delivery.message(),
        memoryBytes,
        mostProcesses,
      },
      { say: (report) => run.listener.programWrote(report), signal: run.signal },
    )
    return outcome === 'done' ? undefined : outcome
  }

  async #forward(): Promise<Forwarded | Trouble | undefined> {
    if (this.#recipients.length === 0) return undefined
    // As qmail-queue, which takes no such address: it will never be one.
    if (this.#recipients.some((each) => each.length > maxAddressBytes)) {
      return hard('Unable to forward message: envelope address too long for qq (#5.1.3).')
    }
    const { run, lines, newSender } = this.#circumstances
    return run.doors.forward({
      sender: newSender,
      recipients: this.#recipients,
      message: withLine(lines.deliveredTo, this.#delivery.message()),
      received: this.#delivery.received,
    })
  }
}

async function* withLine(
  line: string,
  message: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield latin1Bytes(line)
  yield* message
}

function mayNot(instruction: Instruction): Trouble | undefined {
  if (instruction.do === 'program') {
    return soft('Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)')
  }
  if (instruction.do === 'mbox' || instruction.do === 'maildir') {
    return soft('Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)')
  }
  return undefined
}
