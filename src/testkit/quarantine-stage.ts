/** A quarantine without a gateway: what it holds is put there by hand, and time passes when told. */
import { mailboxOfQmail } from '../formats/qmail-envelope.ts'
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import type { Envelope } from '../mail/envelope.ts'
import { QuarantineDesk, type Learner } from '../quarantine/desk.ts'
import { HeldIndex } from '../quarantine/held-index.ts'
import { Keeper, type QuarantineSettings } from '../quarantine/keeper.ts'
import type { Grounds } from '../queue/queue.ts'
import { fakeClock } from './fake-clock.ts'
import { memoryQueue } from './memory-queue.ts'
import { memoryStore } from './memory-store.ts'
import { recordingLog } from './recording-log.ts'
import { seededRandom } from './seeded-random.ts'

export interface HeldByHand {
  /** Empty: the null reverse-path. */
  readonly from?: string
  readonly to: readonly string[]
  readonly user?: string
  readonly text?: string
  readonly reason?: string
  readonly grounds?: Partial<Grounds>
  /** One copy for all of them, as where an entry of the chain adds recipients. */
  readonly together?: boolean
  /** On hold, and not in quarantine. */
  readonly elsewhere?: boolean
}

export function addressOf(text: string): Mailbox {
  const mailbox = parseMailbox(text, { smtputf8: true })
  if (mailbox === undefined) throw new Error(`${text} is no address`)
  return mailbox
}

/** @param room of the index */
export function quarantineStage(learners: readonly Learner[] = [], room = 1000) {
  const clock = fakeClock()
  const log = recordingLog()
  const queue = memoryQueue(clock)
  const store = memoryStore(clock)
  const table = store.table('quarantine', { maxEntries: room })
  const index = new HeldIndex(table, {
    count: async () => (await store.count?.('quarantine')) ?? 0,
    room,
  })
  const settings: { current: QuarantineSettings } = {
    current: {
      hostname: 'mx.test',
      from: addressOf('MAILER-DAEMON@here.test'),
      limits: {},
      rules: {
        notify: [],
        admin: addressOf('admin@here.test'),
        virusEntries: ['clamav'],
        isOurs: ({ domain }) => domain === 'here.test',
      },
    },
  }
  const listeners = new Set<() => void>()
  const keeper = new Keeper({
    queue,
    index,
    clock,
    log,
    random: seededRandom(1),
    memory: store.table('digest', { maxEntries: 10 }),
    settings: () => settings.current,
    onForgotten(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  })
  let transactions = 0
  const told: string[] = []
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => void setImmediate(resolve))
  }
  return {
    clock,
    log,
    queue,
    store,
    table,
    index,
    keeper,
    settings,
    settled,
    /** The index has lost what it knew. */
    forget: () => listeners.forEach((listener) => listener()),
    /** What the traces say became of messages. */
    told,
    desk: new QuarantineDesk({
      queue,
      index,
      clock,
      log,
      learners: () => learners,
      record: ({ what, text }) => void told.push(`${what}: ${text}`),
    }),
    /** One message, with a copy for each recipient. @returns the ids */
    hold: async (message: HeldByHand): Promise<readonly string[]> => {
      const { from = 'ann@else.test', to, user, text = 'Subject: hello\r\n\r\nbody\r\n' } = message
      const { reason = 'SCORE', grounds, elsewhere = false, together = false } = message
      const transaction = `t${++transactions}`
      const envelope: Omit<Envelope, 'recipients'> = {
        reversePath: from === '' ? null : (mailboxOfQmail(from, '') ?? null),
        bodyType: '7bit',
        smtputf8: false,
        requireTls: false,
        ...(user === undefined ? {} : { user }),
      }
      const copies = together ? [to] : to.map((address) => [address])
      const [first, ...rest] = copies.map((addresses) => ({
        envelope: {
          ...envelope,
          recipients: addresses.map((address) => ({ mailbox: addressOf(address) })),
        },
        disposition: 'hold' as const,
        headerEdits: [],
        reason,
        ...(elsewhere ? {} : { grounds: { transaction, ...grounds } }),
      }))
      if (first === undefined) throw new Error('nobody')
      const draft = queue.begin()
      await draft.write(Buffer.from(text))
      await draft.end()
      const { ids } = await draft.commit([first, ...rest])
      await settled()
      return ids
    },
    /** Letters of ours, and whatever else is on its way: whole, with whom they are for. */
    sent: (): readonly { readonly to: string; readonly text: string }[] =>
      queue.commits
        .filter(({ placement }) => placement.disposition === 'deliver')
        .map(({ placement, message }) => ({
          to: placement.envelope.recipients.map(({ mailbox }) => mailbox.localPart).join(),
          text: Buffer.from(message.bytes).toString(),
        })),
    pass: async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 60_000) {
        clock.advance(Math.min(60_000, left))
        await settled()
      }
    },
  }
}
