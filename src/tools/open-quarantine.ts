/** The quarantine of a running gateway: its desk for the operator, and its keeper. */
import type { Configuration } from '../config/configuration.ts'
import { AttemptRecorder } from '../filter/attempts.ts'
import type { Generation } from '../filter/generation.ts'
import { mailboxKey, type Mailbox } from '../mail/address.ts'
import { Allowance, type KeepingSeat } from '../quarantine/allowance.ts'
import { QuarantineDesk, type Learner } from '../quarantine/desk.ts'
import { HeldIndex, indexedMessages } from '../quarantine/held-index.ts'
import type { Fate } from '../quarantine/held-message.ts'
import { Keeper, type DigestSettings, type QuarantineSettings } from '../quarantine/keeper.ts'
import { shardOf } from '../queue/queue-id.ts'
import type { Queue } from '../queue/queue.ts'
import type { Doors } from '../runtime/doors.ts'
import { ownKey } from './own-key.ts'
import { bounceSettings } from './open-bouncer.ts'
import { signedPost } from './signed-post.ts'

export interface QuarantineParts {
  readonly queue: Queue
  readonly doors: Doors
  readonly current: () => Configuration
  readonly generation: () => Generation
  /** Each worker keeps a part. */
  readonly seat: KeepingSeat
  /** Whether this worker writes the digests. */
  readonly leads: () => boolean
}

export interface Quarantine {
  readonly desk: QuarantineDesk
  readonly keeper: Keeper
}

const tableName = 'quarantine'

export function openQuarantine({
  queue,
  doors,
  current,
  generation,
  seat,
  leads,
}: QuarantineParts): Quarantine {
  const { clock, log, random, store, traces } = doors
  const index = new HeldIndex(store.table(tableName, { maxEntries: indexedMessages }), {
    count: async () => (await store.count?.(tableName)) ?? 0,
    room: indexedMessages,
  })
  const learners = (): readonly Learner[] => learnersOf(generation())
  const recorder = new AttemptRecorder(traces)
  const record = ({ held, what, text }: Fate): void => {
    for (const recipient of held.recipients) {
      recorder.record({
        queueId: held.id,
        recipient,
        route: 'quarantine',
        outcome: what,
        status: '',
        text,
        startedAt: clock.now(),
        durationMs: 0,
      })
    }
  }
  return {
    desk: new QuarantineDesk({ queue, index, learners, record, clock, log }),
    keeper: new Keeper({
      queue,
      outbox: signedPost({ queue, doors, generation, hostname: () => current().control.me }),
      index,
      memory: store.table('quarantine-digest', { maxEntries: 10 }),
      allowance: new Allowance({
        memory: store.table('quarantine-kept', { maxEntries: 100 }),
        seat,
        shardOf,
      }),
      clock,
      random,
      log,
      ...(store.onBegun === undefined
        ? {}
        : {
            onForgotten: (listener: () => void) => store.onBegun?.(listener) ?? (() => undefined),
          }),
      record,
      settings: () => settingsOf(current(), doors, leads()),
    }),
  }
}

function learnersOf({ entries }: Generation): readonly Learner[] {
  return entries.flatMap(({ name, shadow, instance }) =>
    shadow || instance.learn === undefined
      ? []
      : [
          {
            entry: name,
            learn: async (message, as, signal) => {
              await instance.learn?.({ message, as }, signal)
            },
          },
        ],
  )
}

function settingsOf(
  configuration: Configuration,
  doors: Pick<Doors, 'disk' | 'random'>,
  leads: boolean,
): QuarantineSettings {
  const { quarantine } = configuration
  const { maxAgeMs, maxBytes, maxMessages, notify, virusEntries } = quarantine
  const { hostname, from, doubleBounceTo } = bounceSettings(configuration)
  const isOurs = (mailbox: Mailbox): boolean => isOurAddress(configuration, mailbox)
  const digest = leads ? digestOf(configuration, doors) : undefined
  return {
    hostname,
    from,
    limits: {
      ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(maxMessages === undefined ? {} : { maxMessages }),
    },
    rules: { notify, admin: quarantine.admin ?? doubleBounceTo, virusEntries, isOurs },
    ...(digest === undefined ? {} : { digest }),
  }
}

function digestOf(
  configuration: Configuration,
  doors: Pick<Doors, 'disk' | 'random'>,
): DigestSettings | undefined {
  const { digest } = configuration.quarantine
  if (digest === undefined) return undefined
  const { to, hour, except, linkLifetimeMs, keyFile } = digest
  const base = linkBaseOf(configuration)
  return {
    hour,
    except,
    isWanted(recipient) {
      const at = recipient.lastIndexOf('@')
      const domain = recipient.slice(at + 1)
      const ours = isOurAddress(configuration, {
        localPart: recipient.slice(0, Math.max(at, 0)),
        domain,
      })
      return ours && (to.includes('*') || to.includes(recipient) || to.includes(domain))
    },
    links: async () =>
      base === undefined
        ? undefined
        : { base, key: await ownKey(keyFile, doors), lifetimeMs: linkLifetimeMs },
  }
}

/** Where nobody is named, the administration serves them, if people can reach it. */
export function linkBaseOf({
  quarantine,
  admin,
}: Pick<Configuration, 'quarantine' | 'admin'>): string | undefined {
  const { linkBase } = quarantine.digest ?? {}
  if (linkBase !== undefined) return linkBase
  return admin?.publicUrl === undefined ? undefined : `${admin.publicUrl}/quarantine`
}

function isOurAddress({ control }: Configuration, { localPart, domain }: Mailbox): boolean {
  return (
    control.locals.has(domain) ||
    (control.virtualDomains.find(mailboxKey({ localPart, domain }))?.prefix ?? '') !== '' ||
    control.rcptHosts.find(domain) !== undefined
  )
}
