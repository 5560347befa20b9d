import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import type { JsonObject } from '../mail/json.ts'
import { findingKey } from '../plugin/finding.ts'
import { option } from '../plugin/option-makers.ts'
import { FileMistakes } from '../plugin/file-mistakes.ts'
import { definePlugin, type Plugin } from '../plugin/plugin.ts'
import { pass } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { memoryAccounts } from '../testkit/memory-accounts.ts'
import { memoryFiles } from '../testkit/memory-files.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeContinuations } from '../testkit/fake-continuations.ts'
import { fakeDns } from '../testkit/fake-dns.ts'
import { fakeNet } from '../testkit/fake-net.ts'
import { fakePrograms } from '../testkit/fake-programs.ts'
import { inlineJobs } from '../testkit/inline-jobs.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { readableMetrics } from '../testkit/readable-metrics.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { processCounters } from '../runtime/node/counters.ts'
import { lifecycle } from '../../test/fixtures/plugins/lifecycle/lifecycle.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import { buildGeneration } from './build-generation.ts'
import type { EntryConfig } from './entry.ts'

const clock = fakeClock()
const lines = new Map([
  ['chain.0.options.limit', 12],
  ['chain.0.when.network', 14],
])

function unreadable(): never {
  throw new Error('no cdb')
}

function taken<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

function build(
  entries: readonly EntryConfig[],
  receiver: JsonObject = {},
): ReturnType<typeof buildGeneration> {
  const place = { file: 'postern.yaml', path: [], lineOf: () => undefined }
  return buildGeneration({
    entries,
    doors: {
      accounts: memoryAccounts(),
      clock,
      continuations: fakeContinuations(),
      log: recordingLog(),
      store: memoryStore(clock),
      dns: fakeDns(),
      jobs: inlineJobs(fakeDns()),
      net: fakeNet(),
      programs: fakePrograms(),
      random: seededRandom(1),
      counters: processCounters(),
      metrics: readableMetrics(clock),
    },
    resources: memoryFiles(),
    thresholds: {},
    receiver: { options: receiver, place, defaults: { hostname: 'mx.test' } },
    listeners: [{ name: 'mx', tls: false }],
  })
}

function mistakesOf(
  entries: readonly EntryConfig[],
  receiver?: JsonObject,
): readonly (readonly [key: string | undefined, problem: string])[] {
  const built = build(entries, receiver)
  return built.ok ? [] : built.mistakes.map(({ key, problem }) => [key, problem])
}

const limited = definePlugin({
  name: 'limited',
  options: { limit: option.integer({ min: 1 }) },
  setup: () => ({ connect: () => pass() }),
})
const written = (index: number) => ({
  file: 'postern.yaml',
  path: ['chain', index],
  lineOf: (path: readonly (string | number)[]) => lines.get(path.join('.')),
})

describe('a chain with mistakes is not built, and all are reported at once', () => {
  test('with file, line, key and remedy', () => {
    const built = build([
      entryOf(limited, { place: written(0), options: { limit: 'many', limits: 3 } }),
      entryOf(limited, { place: written(1), options: {} }),
    ])
    expect(built).toMatchObject({
      ok: false,
      mistakes: [
        { key: 'chain[1].name', problem: 'the name limited is used twice' },
        {
          file: 'postern.yaml',
          key: 'chain[0].options.limits',
          problem: 'is not an option',
          remedy: 'did you mean limit?',
        },
        {
          file: 'postern.yaml',
          line: 12,
          key: 'chain[0].options.limit',
          problem: '"many" is not a whole number of at least 1',
          remedy: 'write a whole number of at least 1',
        },
        { key: 'chain[1].options.limit', problem: 'is missing' },
      ],
    })
  })

  test('a table that the file names and that is not there; one that the plugin names may be missing', () => {
    const listing = definePlugin({
      name: 'listing',
      options: {
        own: option.table({ default: 'tables/own' }),
        table: option.table({ default: 'tables/listing' }),
        file: option.file({ default: 'control/listing' }),
      },
      setup: () => ({ rcpt: () => pass() }),
    })
    const written = { own: 'tables/own', table: 'tables/typo', file: 'control/typo' }
    expect(build([entryOf(listing)]).ok).toBe(true)
    expect(build([entryOf(listing, { options: written, mode: 'off' })]).ok).toBe(true)
    expect(build([entryOf(listing, { options: written })])).toMatchObject({
      mistakes: [{ key: 'chain.options.table', problem: 'there is no file tables/typo' }],
    })
    expect(build([entryOf(listing, { options: { file: 'control/typo' } })])).toMatchObject({
      doubts: expect.arrayContaining([
        expect.objectContaining({
          key: 'chain.options.file',
          problem: 'there is no file control/typo',
          code: 'entry',
        }),
      ]),
    })
  })

  test('a cdb that cannot be read is told of before anybody asks it, whoever named it', () => {
    const damaged = { ...memoryFiles().cdb('control/all.cdb'), get: () => unreadable() }
    const cdb = { ...option.cdb({ default: 'control/all.cdb' }), parse: () => taken(damaged) }
    const asking = definePlugin({ name: 'asking', options: { cdb }, setup: () => ({}) })
    expect(build([entryOf(asking)])).toMatchObject({
      doubts: expect.arrayContaining([
        expect.objectContaining({
          key: 'chain.options.cdb',
          problem: expect.stringContaining('control/all.cdb cannot be used: Error: no cdb'),
        }),
      ]),
    })
  })

  test('a hook that is misspelt', () => {
    const misspelt = definePlugin({
      name: 'misspelt',
      setup: () => JSON.parse('{"rcptt": null}'),
    })
    expect(build([entryOf(misspelt)])).toMatchObject({
      mistakes: [{ problem: 'misspelt has an unknown hook rcptt', remedy: 'did you mean rcpt?' }],
    })
  })

  test('a hook that is no function, and a setup that returns nothing or throws', () => {
    const plugin = (name: string, setup: Plugin['setup']): Plugin => ({
      kind: 'postern-plugin',
      name,
      setup,
    })
    const doubter: Plugin = {
      ...plugin('doubter', () => ({ rcpt: () => pass() })),
      vouches: 'local',
      mayVouch() {
        throw new Error('no idea')
      },
    }
    expect(
      mistakesOf([
        entryOf(plugin('no-function', () => JSON.parse('{"rcpt": 1}'))),
        entryOf(plugin('nothing', () => JSON.parse('null'))),
        entryOf(plugin('later', () => Object.assign(Promise.resolve(), { rcpt: () => pass() }))),
        entryOf(
          plugin('thrower', () => {
            throw new Error('no licence')
          }),
        ),
        entryOf(doubter),
      ]).map(([, problem]) => problem),
    ).toEqual([
      'no-function has a rcpt that is no function',
      'nothing returns nothing from setup',
      'later returns a promise from setup',
      expect.stringContaining('thrower cannot be set up: Error: no licence'),
      expect.stringContaining('doubter cannot be set up: Error: no idea'),
    ])
  })

  test('a setup whose file cannot be read: the file is to blame, not the plugin', () => {
    const reader = definePlugin({
      name: 'reader',
      setup() {
        throw new PosternError('DISK_FAILED', '/etc/list: is no file')
      },
    })
    expect(build([entryOf(reader)])).toMatchObject({
      mistakes: [
        {
          problem:
            'reader cannot be set up: a file cannot be read, written or synced: /etc/list: is no file',
          remedy: 'mend that file, or name another',
        },
      ],
    })
  })

  test('in a file that several entries read, each told once and at its line', () => {
    const reader = definePlugin({
      name: 'reader',
      setup() {
        const [one, two] = [1, 3].map((line) => ({ line, text: `l${line}`, remedy: 'mend it' }))
        throw new FileMistakes('control/list', one && two ? [one, two] : [])
      },
    })
    const told = [1, 3].map((line) => {
      return { file: 'control/list', line, problem: `'l${line}' means nothing`, remedy: 'mend it' }
    })
    const entries = ['one', 'two'].map((name) => entryOf(reader, { name }))
    expect(build(entries)).toMatchObject({ mistakes: told })
  })

  test('conditions on listeners and networks that there are not', () => {
    const entry = entryOf(voucher, {
      place: written(0),
      when: { listener: ['mx', 'submision'], network: ['192.0.2.0/99'] },
    })
    expect(build([entry])).toMatchObject({
      mistakes: [
        { key: 'chain[0].when.listener', problem: 'there is no listener submision' },
        { key: 'chain[0].when.network', line: 14 },
      ],
    })
  })

  test('first on an entry that does nothing at message', () => {
    expect(mistakesOf([entryOf(voucher, { first: true })])).toEqual([
      ['chain.first', 'voucher does nothing at message'],
    ])
  })

  test('settings of the receiver', () => {
    expect(
      mistakesOf([], { max_recipient: 5, command_timeout: 'soon', starttls: 'required' }),
    ).toEqual([
      ['max_recipient', 'is not an option'],
      ['command_timeout', '"soon" is not a duration'],
    ])
    expect(mistakesOf([], { starttls: 'required' })).toEqual([
      ['starttls', 'is required, but the listener mx has no TLS'],
    ])
  })

  test('options are checked though the entry is off', () => {
    expect(mistakesOf([entryOf(limited, { mode: 'off' })])).toEqual([
      ['chain.options.limit', 'is missing'],
    ])
  })
})

describe('needs', () => {
  const fact = findingKey<string, 'fact'>('fact')
  const provider = definePlugin({
    name: 'provider',
    provides: [fact],
    setup: () => ({ message: () => pass() }),
  })
  const reader = definePlugin({
    name: 'reader',
    needs: [fact],
    setup: () => ({ message: () => pass() }),
  })
  const shadow = { mode: 'shadow' } as const

  test.each([
    [[entryOf(reader)], 'and no entry provides it'],
    [[entryOf(reader), entryOf(provider)], 'and provider comes later'],
    [[entryOf(provider, { mode: 'off' }), entryOf(reader)], 'and provider is off'],
    [[entryOf(provider, shadow), entryOf(reader)], 'and only provider in shadow mode provides it'],
    [[entryOf(provider), entryOf(reader, { first: true })], 'and it runs first, before provider'],
  ])('a chain where a needed finding will not be there is a mistake (%#)', (entries, problem) => {
    expect(mistakesOf(entries)).toEqual([['chain', `reader needs the finding fact, ${problem}`]])
  })

  test.each([
    [[entryOf(provider), entryOf(reader)]],
    [[entryOf(provider, shadow), entryOf(reader, shadow)]],
    [[entryOf(provider), entryOf(reader, shadow)]],
    [[entryOf(reader, { mode: 'off' })]],
  ])('a chain where it will be there is none (%#)', (entries) => {
    expect(mistakesOf(entries)).toEqual([])
  })
})

describe('generations', () => {
  test('a chain in which nobody vouches works, and is doubted', () => {
    const doubts = [{ problem: 'no entry vouches for a recipient: every RCPT is refused' }]
    const never = { ...voucher, mayVouch: () => false }
    const elsewhere = { ...voucher, setup: () => ({ message: () => pass() }) }
    const shadow = entryOf(voucher, { mode: 'shadow' })
    for (const entries of [[], [entryOf(never)], [entryOf(elsewhere)], [shadow]]) {
      expect(build(entries)).toMatchObject({ ok: true, doubts })
    }
    expect(build([entryOf(voucher)])).toMatchObject({ ok: true, doubts: [] })
  })

  test('an entry that fails open works, and is doubted, unless its plugin is made so', () => {
    const lenient = definePlugin({
      name: 'lenient',
      defaults: { onFault: 'pass' },
      setup: () => ({ connect: () => pass() }),
    })
    const open = { onFault: 'pass', options: { limit: 1 } } as const
    const doubted = [{ key: 'chain.on_fault', problem: expect.stringContaining('fails open') }]
    expect(build([entryOf(voucher), entryOf(limited, open)])).toMatchObject({ doubts: doubted })
    for (const mode of ['shadow', 'off'] as const) {
      const entries = [entryOf(voucher), entryOf(limited, { ...open, mode })]
      expect(build(entries)).toMatchObject({ doubts: [] })
    }
    const meant = [entryOf(voucher), entryOf(lenient, { onFault: 'pass' })]
    expect(build(meant)).toMatchObject({ doubts: [] })
  })

  test('equal chains have equal ids, different ones different', () => {
    const idOf = (entries: readonly EntryConfig[]): string => {
      const built = build(entries)
      return built.ok ? built.generation.id : ''
    }
    expect(idOf([entryOf(voucher)])).toBe(idOf([entryOf(voucher)]))
    expect(idOf([entryOf(voucher)])).not.toBe(idOf([entryOf(voucher, { mode: 'shadow' })]))
  })

  test('a plugin that cannot open closes those that had opened, in reverse', async () => {
    const labelled = (name: string, options: JsonObject = {}) =>
      entryOf(lifecycle, { name, options: { label: name, ...options } })
    const chain = chainUnderTest({
      entries: [labelled('one'), labelled('two'), labelled('three', { fails: true })],
    })
    expect(await chain.policy.generation.open()).toMatchObject({ entry: 'three' })
    expect(chain.log.events.map(({ event, fields }) => [event, fields['label']])).toEqual([
      ['lifecycle.opened', 'one'],
      ['lifecycle.opened', 'two'],
      ['lifecycle.closed', 'two'],
      ['lifecycle.closed', 'one'],
    ])
  })

  test('new sessions get the new generation, old ones finish on the old, which then closes', async () => {
    const labelled = (label: string) => entryOf(lifecycle, { options: { label } })
    const chain = chainUnderTest({ entries: [labelled('old')] })
    await chain.policy.generation.open()
    const old = chain.dial()
    const next = chain.build({ entries: [labelled('new'), entryOf(voucher)] })
    await next.open()
    let retired = false
    const exchanged = chain.policy.useGeneration(next).then(() => (retired = true))

    expect(await old.connect()).toBe('220')
    await old.hello()
    await old.mail()
    expect(await old.rcpt('bob@x.test')).toBe('550 5.7.1 Relaying denied')
    const fresh = chain.dial()
    await fresh.connect()
    await fresh.hello()
    await fresh.mail()
    expect(await fresh.rcpt('bob@x.test')).toBe('250')
    expect(retired).toBe(false)

    old.end()
    await exchanged
    const closed = chain.log.events.filter(({ event }) => event === 'lifecycle.closed')
    expect(closed.map(({ fields }) => fields['label'])).toEqual(['old'])
  })
})
