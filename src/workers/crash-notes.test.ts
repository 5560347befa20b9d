import { assert, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Transaction } from '../mail/session.ts'
import { emptyEnvironment } from '../mail/environment.ts'
import { fakeClock, type FakeClock } from '../testkit/fake-clock.ts'
import { fakeDisk, type FakeDisk } from '../testkit/fake-disk.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { CrashLedger, parseCrashes } from './crash-ledger.ts'
import { CrashNotes, notesOf } from './crash-notes.ts'
import { fingerprintOf } from './fingerprint.ts'
import { unwary, type Suspect } from './messages.ts'

const notes = '/judging'
const path = '/crashes'
const dayMs = 86_400_000

function transaction(of: { localPart?: string; address?: string } = {}): Transaction {
  const { localPart = 'bob', address = '192.0.2.1' } = of
  const endpoint = { address, port: 25 }
  return {
    id: 'a-1.1',
    startedAt: 0,
    reversePath: { localPart: 'alice', domain: 'example.org' },
    parameters: {},
    recipients: [{ mailbox: { localPart, domain: 'postern.test' } }],
    session: {
      id: 'a-1',
      startedAt: 0,
      listener: 'mx',
      remote: endpoint,
      local: endpoint,
      hostname: 'mx.test',
      environment: emptyEnvironment,
    },
  }
}

const message = (subject: string) => memoryMessage(`Subject: ${subject}\r\n\r\nbody\r\n`)
const event = (subject: string) => ({ transaction: transaction(), message: message(subject) })
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const printOf = (subject: string) => hex(fingerprintOf(transaction(), message(subject)))

async function openNotes(disk: FakeDisk, of: { worker?: number; suspects?: Suspect[] } = {}) {
  const log = recordingLog()
  const clock = fakeClock()
  const kept: string[] = []
  const opened = await CrashNotes.open({
    disk,
    clock,
    log,
    path: notes,
    worker: of.worker ?? 1,
    wariness: { suspects: of.suspects ?? [], noteUntil: clock.now() + dayMs },
    async setAside({ name }) {
      kept.push(name)
      return `damaged/${name}`
    },
  })
  return { notes: opened, log, clock, kept }
}

const ledgerOf = (disk: FakeDisk, clock: FakeClock) =>
  CrashLedger.open({ disk, clock, log: recordingLog(), notes, path })

test('a fingerprint is the same for a client that tries again, and another for everything else', () => {
  const print = printOf('one')
  expect(print).toMatch(/^[0-9a-f]{32}$/)
  expect(printOf('one')).toBe(print)
  expect(printOf('two')).not.toBe(print)
  for (const other of [{ localPart: 'eve' }, { address: '192.0.2.2' }]) {
    expect(hex(fingerprintOf(transaction(other), message('one')))).not.toBe(print)
  }
})

describe('a note of what a worker judges', () => {
  test('is there while it is judged, and is nobody else’s', async () => {
    const disk = fakeDisk()
    const first = await openNotes(disk)
    const second = await openNotes(disk, { worker: 2 })
    const leave = await first.notes.enter(event('one'))
    await first.notes.enter(event('two'))
    await second.notes.enter(event('three'))
    expect(await notesOf(disk, notes, 1)).toHaveLength(2)
    expect(await notesOf(disk, notes, 2)).toEqual([printOf('three')])
    leave?.()
    first.clock.advance(5)
    expect(await notesOf(disk, notes, 1)).toEqual([printOf('two')])
    expect(await notesOf(disk, notes, 3)).toEqual([])
  })

  test('gives its place to the next message without being erased in between', async () => {
    const disk = fakeDisk()
    const worker = await openNotes(disk)
    for (const subject of ['one', 'two', 'three']) {
      const leave = await worker.notes.enter(event(subject))
      expect(await notesOf(disk, notes, 1)).toEqual([printOf(subject)])
      leave?.()
    }
    const leave = await worker.notes.enter(event('four'))
    worker.clock.advance(5)
    expect(await notesOf(disk, notes, 1)).toEqual([printOf('four')])
    leave?.()
    await worker.notes.close()
    expect(await notesOf(disk, notes, 1)).toEqual([])
  })

  test('goes with others by one write, and leaves alone what is judged between them', async () => {
    const disk = fakeDisk()
    const worker = await openNotes(disk)
    const leaves = []
    for (const subject of ['one', 'two', 'three', 'four']) {
      leaves.push(await worker.notes.enter(event(subject)))
    }
    const before = disk.operations.length
    for (const at of [0, 2, 3]) leaves[at]?.()
    worker.clock.advance(5)
    expect(disk.operations.slice(before)).toHaveLength(1)
    expect(await notesOf(disk, notes, 1)).toEqual([printOf('two')])
  })

  test('is neither made nor erased after the end: the descriptor may be that of another file by then', async () => {
    const disk = fakeDisk()
    const { notes: ended, clock } = await openNotes(disk)
    const leave = await ended.enter(event('one'))
    await ended.close()
    expect(await ended.enter(event('two'))).toBeDefined()
    leave?.()
    clock.advance(5)
    expect(await notesOf(disk, notes, 1)).toEqual([printOf('one')])
  })

  test('is forgotten when its worker is replaced', async () => {
    const disk = fakeDisk()
    await (await openNotes(disk)).notes.enter(event('one'))
    await openNotes(disk)
    expect(await notesOf(disk, notes, 1)).toEqual([])
  })

  test('is not made where there are too many, and mail is judged all the same', async () => {
    const disk = fakeDisk()
    const worker = await openNotes(disk)
    for (let number = 0; number <= 1_024; number++) {
      expect(await worker.notes.enter(event(`${number}`))).toBeTypeOf('function')
    }
    expect(await notesOf(disk, notes, 1)).toHaveLength(1_024)
  })

  test('that the disk does not take keeps no mail from being judged', async () => {
    const disk = fakeDisk()
    const worker = await openNotes(disk)
    disk.fault = ({ kind }) => (kind === 'write' ? 'DISK_FAILED' : undefined)
    expect(await worker.notes.enter(event('one'))).toBeTypeOf('function')
    expect(worker.log.events.map(({ event: name }) => name)).toContain('crash-note.not-written')
  })
})

test('nobody notes anything before a worker has died, nor a day after', async () => {
  const { notes: worker, clock } = await openNotes(fakeDisk())
  worker.beware(unwary)
  expect(worker.isOn).toBe(false)
  worker.beware({ suspects: [], noteUntil: clock.now() + 1_000 })
  expect(worker.isOn).toBe(true)
  clock.advance(1_000)
  expect(worker.isOn).toBe(false)
})

describe('a message that is suspect', () => {
  test('is not judged, its bytes are kept, and an alert says so', async () => {
    const until = fakeClock().now() + 1_000
    const worker = await openNotes(fakeDisk(), { suspects: [[printOf('one'), until]] })
    expect(await worker.notes.enter(event('one'))).toBeUndefined()
    expect(worker.kept).toEqual([`crash-${printOf('one')}`])
    expect(worker.log.events.at(-1)).toMatchObject({
      level: 'error',
      event: 'message.ends-workers',
      fields: { alert: true, path: `damaged/crash-${printOf('one')}` },
    })
    expect(await worker.notes.enter(event('two'))).toBeTypeOf('function')
    worker.notes.beware({ suspects: [[printOf('two'), until]], noteUntil: until })
    expect(await worker.notes.enter(event('two'))).toBeUndefined()
  })

  test('is judged again when its time is over', async () => {
    const suspects: Suspect[] = [[printOf('one'), fakeClock().now()]]
    const worker = await openNotes(fakeDisk(), { suspects })
    expect(await worker.notes.enter(event('one'))).toBeTypeOf('function')
  })
})

describe('the ledger of crashes', () => {
  async function crashOver(disk: FakeDisk, ledger: CrashLedger, subject: string) {
    await (await openNotes(disk)).notes.enter(event(subject))
    await ledger.workerDied(1)
    return ledger.wariness.suspects
  }

  test('makes a message suspect with the third crash within a day, until the first is a day ago', async () => {
    const disk = fakeDisk()
    const clock = fakeClock()
    const ledger = await ledgerOf(disk, clock)
    const until = clock.now() + dayMs
    expect(await crashOver(disk, ledger, 'one')).toEqual([])
    clock.advance(1_000)
    expect(await crashOver(disk, ledger, 'one')).toEqual([])
    expect(await crashOver(disk, ledger, 'two')).toEqual([])
    expect(await crashOver(disk, ledger, 'one')).toEqual([[printOf('one'), until]])
    clock.advance(dayMs)
    expect(ledger.wariness.suspects).toEqual([])
  })

  test('has workers note what they judge for a day after a death, over restarts too', async () => {
    const disk = fakeDisk()
    const clock = fakeClock()
    const ledger = await ledgerOf(disk, clock)
    expect(ledger.wariness).toEqual({ suspects: [], noteUntil: 0 })
    await ledger.workerDied(1)
    const { noteUntil } = (await ledgerOf(disk, clock)).wariness
    expect(noteUntil).toBe(clock.now() + dayMs)
    expect(ledger.wariness).toEqual({ suspects: [], noteUntil })
  })

  test('holds against a message the first death of a day, at which nobody noted anything', async () => {
    const disk = fakeDisk()
    const clock = fakeClock()
    await (await ledgerOf(disk, clock)).workerDied(1)
    const until = clock.now() + dayMs
    clock.advance(1_000)
    const ledger = await ledgerOf(disk, clock)
    expect(await crashOver(disk, ledger, 'one')).toEqual([])
    expect(await crashOver(disk, ledger, 'one')).toEqual([[printOf('one'), until]])
  })

  test('does not hold crashes together that are more than a day apart', async () => {
    const disk = fakeDisk()
    const clock = fakeClock()
    const ledger = await ledgerOf(disk, clock)
    for (let crash = 0; crash < 6; crash++) {
      expect(await crashOver(disk, ledger, 'one')).toEqual([])
      clock.advance(dayMs / 2)
    }
  })

  test('outlives a restart', async () => {
    const disk = fakeDisk()
    const clock = fakeClock()
    for (let crash = 1; crash <= 3; crash++) {
      const ledger = await ledgerOf(disk, clock)
      expect(await crashOver(disk, ledger, 'one')).toHaveLength(crash === 3 ? 1 : 0)
    }
    expect((await ledgerOf(disk, clock)).wariness.suspects).toHaveLength(1)
  })

  test('counts nothing for a worker that judged nothing, and never fails', async () => {
    const disk = fakeDisk()
    const ledger = await ledgerOf(disk, fakeClock())
    await ledger.workerDied(1)
    disk.fault = () => 'DISK_FAILED'
    await ledger.workerDied(1)
    expect(ledger.wariness.suspects).toEqual([])
  })

  test('reads whatever lies in its file', () => {
    assert(
      property(string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(parseCrashes(text).crashes.size).toBeLessThanOrEqual(text.length)
      }),
    )
    const print = '0123456789abcdef0123456789abcdef'
    const text = `died 7 3\n${print} 1 2 3 4\n${print} x\nodd 1\ndied x\n`
    const crashes = new Map([[print, [2, 3, 4]]])
    expect(parseCrashes(text)).toEqual({ crashes, lastDeath: 7, unnoted: 3 })
    expect(parseCrashes(`${print} 1 2\n`).lastDeath).toBe(2)
  })
})
