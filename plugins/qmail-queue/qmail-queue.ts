/**
 * QMAILQUEUE: a program that runs in place of qmail-queue has the last word on a message. It may refuse it, keep it, or run
 * the next qmail-queue, which is ours, and which brings the message back. Nothing that it does is a promise to the client:
 * what comes back is committed by the receiver, like every other message, and forgotten where the program says no after all.
 */
import { createHash } from 'node:crypto'
import {
  defer,
  definePlugin,
  discard,
  formatMailbox,
  formatPlainAddress,
  lfLines,
  option,
  pass,
  perRecipient,
  qmailEnvelopeBytes,
  reject,
  type Continuation,
  type Findings,
  type HandedBack,
  type JsonObject,
  type Log,
  type Message,
  type OfferedEnvelope,
  type Pass,
  type PluginDoors,
  type ProgramInput,
  type ProgramResult,
  type Reject,
  type Replacement,
  type Session,
  type Stages,
  type Transaction,
} from 'postern/plugin'
import { sessionVariables } from '../shared/session-variables/session-variables.ts'
import { spfResult } from '../spf/findings.ts'
import { longestText, refusalOf, spoken } from './answers.ts'

type Answer = Stages['message']['verdict']

const textDescriptor = 4
/** Of standard error, for the log. */
const longestComplaint = 4096
/** qmail-smtpd's words where they are not SPF's own. */
const spfWords: ReadonlyMap<string, string> = new Map([
  ['permerror', 'unknown'],
  ['temperror', 'error'],
])

export const qmailQueue = definePlugin({
  name: 'qmail-queue',
  summary: 'Gives messages to a program in place of qmail-queue: QMAILQUEUE.',
  replaces: true,
  wants: [spfResult],
  defaults: { timeoutMs: 300_000 },
  options: {
    program: option.string({
      default: '',
      env: 'QMAILQUEUE',
      description: 'Its path; empty: no program, the message is queued.',
    }),
    native: option.strings({
      default: ['bin/qmail-queue', 'qmail-scanner-queue.pl', 'bin/simscan'],
      description: 'Ends of paths that are never run: this chain does what those programs did.',
    }),
    at_once: option.integer({
      default: 20,
      min: 1,
      description: 'Runs of one program at one time; more messages are asked to come back.',
    }),
  },
  setup({ program: usual, native: natives }, doors) {
    const { counters, programs } = doors
    return {
      async message(event, { options: { program, native, at_once: most }, findings, signal }) {
        const settled = withoutProgram(event.transaction, program, native)
        if (settled !== undefined) return settled
        // Each for itself: one that hangs must not take the places of the others.
        const place = `running ${program}`
        if (!(await counters.take(place, most))) {
          return defer('4.3.2', 'Too busy, please try again', { reason: 'QMAILQUEUE_BUSY' })
        }
        try {
          return await new Run(doors, { ...event, program, findings }, signal).answer()
        } finally {
          counters.give(place)
        }
      },
      unasked: ({ transaction }, { options: { program, native } }) =>
        withoutProgram(transaction, program, native),
      dependsOn: ({ program }) => program,
      async check() {
        if (usual === '' || isNative(usual, natives) || (await programs.canStart(usual))) return []
        const problem = `${usual} is no program that this user may start`
        return [{ option: 'program', problem, remedy: 'write the whole path of one that is' }]
      },
    }
  },
})

/** What needs no program. */
function withoutProgram(
  { parameters }: Transaction,
  program: string,
  native: readonly string[],
): Pass | Reject | undefined {
  if (program === '' || isNative(program, native)) return pass()
  if (parameters.bodyType !== 'binarymime') return undefined
  return reject('5.6.1', 'Binary messages are not taken here', { reason: 'QMAILQUEUE_BINARY' })
}

/** `bin/qmail-queue` means every `/…/bin/qmail-queue`. */
function isNative(program: string, native: readonly string[]): boolean {
  return native.some((ending) => program === ending || program.endsWith(`/${ending}`))
}

interface Running {
  readonly transaction: Transaction
  readonly message: Message
  /** The recipients that it is for, as indexes. */
  readonly passing?: readonly number[]
  readonly program: string
  readonly findings: Findings<'spf'>
}

/** One program, with one message. */
class Run {
  readonly #doors: PluginDoors
  readonly #running: Running
  readonly #signal: AbortSignal
  /** Of the recipients that the program is given: their places in the transaction. */
  readonly #places: readonly number[]

  constructor(doors: PluginDoors, running: Running, signal: AbortSignal) {
    this.#doors = doors
    this.#running = running
    this.#signal = signal
    this.#places = running.passing ?? running.transaction.recipients.map((_, index) => index)
  }

  async answer(): Promise<Answer> {
    const envelope = this.#envelope()
    const continuation = await this.#doors.continuations.offer(envelope)
    let kept = false
    try {
      const { result, receivedDigest } = await this.#run(envelope, continuation)
      const { program } = this.#running
      logComplaint(this.#doors.log, program, result)
      const { end } = result
      const evidence: JsonObject = { program, ...end }
      if ('exit' in end && end.exit === 1) return discard({ reason: 'QMAILQUEUE_SPAM', evidence })
      if ('signal' in end || end.exit !== 0) {
        const text = spoken(result.outputs.get(textDescriptor))
        return refusalOf(end, text, text === '' ? evidence : { ...evidence, text })
      }
      const back = await continuation.take()
      if (back === undefined) return discard({ reason: 'QMAILQUEUE_KEPT', evidence })
      const digest = await digestOf(back.message)
      // Nobody hears an answer that comes now, and so nobody would release what comes with it.
      this.#signal.throwIfAborted()
      kept = digest !== receivedDigest
      const release = (): void => void continuation.drop()
      const { message } = back
      return this.#passed(back, {
        evidence,
        ...(kept ? { replacement: { message, receivedDigest, digest, release } } : {}),
      })
    } finally {
      if (!kept) await continuation.drop()
    }
  }

  async #run(
    envelope: OfferedEnvelope,
    { variables }: Continuation,
  ): Promise<{ readonly result: ProgramResult; readonly receivedDigest: string }> {
    const { program, message, transaction, findings } = this.#running
    const hash = createHash('sha256')
    const result = await this.#doors.programs.run(
      {
        command: [program],
        environment: new Map([...environmentOf(transaction.session, findings), ...variables]),
        inputs: new Map<number, ProgramInput>([
          [0, { file: lfLines(heard(message, (chunk) => hash.update(chunk))) }],
          [1, qmailEnvelopeBytes(envelope)],
        ]),
        outputs: new Map([
          [2, longestComplaint],
          [textDescriptor, longestText],
        ]),
      },
      this.#signal,
    )
    return { result, receivedDigest: hash.digest('hex') }
  }

  #envelope(): OfferedEnvelope {
    const { reversePath, recipients, session } = this.#running.transaction
    return {
      sender: formatPlainAddress(reversePath),
      recipients: this.#places.flatMap((place) => {
        const mailbox = recipients[place]?.mailbox
        if (mailbox === undefined) return []
        const { domain } = mailbox
        return [
          formatPlainAddress({ ...mailbox, domain: domain === '' ? session.hostname : domain }),
        ]
      }),
    }
  }

  /** The recipients that did not come back have been dropped by the program. */
  #passed(
    { recipients }: HandedBack,
    { evidence, ...more }: { readonly evidence: JsonObject; readonly replacement?: Replacement },
  ): Answer {
    const opinion = { reason: 'QMAILQUEUE_QUEUED', evidence, ...more }
    if (recipients.length === this.#places.length) return pass(opinion)
    const back = new Set(recipients.map((index) => this.#places[index]))
    const given = new Set(this.#places)
    const dropped = discard({ reason: 'QMAILQUEUE_DROPPED' })
    const all = this.#running.transaction.recipients
    return perRecipient(
      all.map((_, place) => (given.has(place) && !back.has(place) ? dropped : pass())),
      {
        ...opinion,
        evidence: {
          ...evidence,
          dropped: all.flatMap(({ mailbox }, place) =>
            given.has(place) && !back.has(place) ? [formatMailbox(mailbox)] : [],
          ),
        },
      },
    )
  }
}

/** Each piece is heard by somebody else on its way. */
async function* heard(
  message: Message,
  hear: (chunk: Uint8Array) => void,
): AsyncIterable<Uint8Array> {
  for await (const chunk of message.read()) {
    hear(chunk)
    yield chunk
  }
}

async function digestOf(message: Message): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of message.read()) hash.update(chunk)
  return hash.digest('hex')
}

function environmentOf(session: Session, findings: Findings<'spf'>): Map<string, string> {
  const variables = sessionVariables(session)
  const spf = findings.get(spfResult)?.result
  if (spf !== undefined) variables.set('SPFRESULT', spfWords.get(spf) ?? spf)
  if (session.user !== undefined) variables.set('TCPREMOTEINFO', session.user)
  if (session.hello !== undefined) variables.set('HELO', session.hello.name)
  return variables
}

function logComplaint(log: Log, program: string, { outputs, pid }: ProgramResult): void {
  const text = spoken(outputs.get(2))
  if (text !== '') log.info('qmail-queue.said', { program, pid, text })
}
