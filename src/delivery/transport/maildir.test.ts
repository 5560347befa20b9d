import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { component, isMissing } from '../../../test/setup/components.ts'
import type { ReversePath } from '../../mail/envelope.ts'
import { PosternError } from '../../mail/errors.ts'
import type { Message } from '../../mail/message.ts'
import type { Disk } from '../../runtime/disk.ts'
import { DiskDrop, type FileDrop } from '../../runtime/file-drop.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDisk } from '../../testkit/fake-disk.ts'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import { maildirTransport } from './maildir.ts'

const path = '/srv/mail/here.test/bob'
/** A disk on which /srv is, and no mail yet. */
const emptyDisk = () => fakeDisk({ '/srv/motd': '' })
const hello = memoryMessage('Subject: hi\r\n\r\nhello\r\n')

interface Scene {
  readonly disk?: Disk
  readonly drop?: FileDrop
  readonly message?: Message
  readonly to?: readonly string[]
  readonly reversePath?: ReversePath
  readonly path?: string
  readonly hostname?: string
}

function stage({ disk = emptyDisk(), drop, hostname = 'mx.here.test', ...common }: Scene = {}) {
  const transport = maildirTransport({
    disk,
    ...(drop && { drop }),
    clock: fakeClock(),
    random: seededRandom(1),
    process: { pid: 4711 },
    hostname,
  })
  return async (scene: Scene = {}, signal = new AbortController().signal) => {
    const { message = hello, to = ['bob'], ...rest } = { ...common, ...scene }
    const { reversePath = { localPart: 'ann', domain: 'there.test' } } = rest
    const recipients = to.map((localPart) => ({ mailbox: { localPart, domain: 'here.test' } }))
    const envelope = {
      reversePath,
      recipients,
      bodyType: '7bit',
      smtputf8: false,
      requireTls: false,
    } as const
    const route = { transport: 'maildir', key: 'k', path: rest.path ?? path } as const
    return transport.deliver({ queueId: 'q', message, envelope, recipients, route }, signal)
  }
}

const delivered = { outcome: 'delivered', status: '2.0.0', text: 'Delivered to the Maildir' }

describe('delivery into a Maildir', () => {
  test('makes the Maildir, and one file in new/', async () => {
    const disk = emptyDisk()
    expect(await stage({ disk })()).toEqual([delivered])
    expect(await disk.list(path)).toEqual(['cur', 'new', 'tmp'])
    const [name = ''] = await disk.list(`${path}/new`)
    expect(name).toMatch(/^1795250000\.M0P4711Q2R[0-9a-f]{8}\.mx\.here\.test,S=77,W=82$/)
    expect(disk.bytes(`${path}/new/${name}`).toString()).toBe(
      'Return-Path: <ann@there.test>\nDelivered-To: bob@here.test\nSubject: hi\n\nhello\n',
    )
    expect(await disk.list(`${path}/tmp`)).toEqual([])
  })

  test('says delivered only when nothing is lost by a power cut', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = emptyDisk()
      await stage({ disk })()
      const after = disk.afterPowerCut(seededRandom(seed))
      const [name = ''] = await after.list(`${path}/new`)
      expect(after.bytes(`${path}/new/${name}`).toString()).toContain('\nhello\n')
    }
  })

  test('syncs the file, then names it, then syncs the folder', async () => {
    const disk = emptyDisk()
    const deliver = stage({ disk })
    await deliver()
    const before = disk.operations.length
    await deliver()
    const kinds = disk.operations.slice(before).map(({ kind }) => kind)
    expect(kinds).toEqual(['create', 'write', 'sync', 'rename', 'syncDirectory'])
  })

  test('shares the sync of a folder with the others that come meanwhile, and loses none of them', async () => {
    const disk = emptyDisk()
    const deliver = stage({ disk })
    await deliver()
    const before = disk.operations.length
    const results = await Promise.all(Array.from({ length: 10 }, () => deliver()))
    expect(results.flat()).toEqual(Array.from({ length: 10 }, () => delivered))
    const syncs = disk.operations.slice(before).filter(({ kind }) => kind === 'syncDirectory')
    expect(syncs.length).toBeLessThan(10)
    for (let seed = 1; seed <= 10; seed++) {
      const after = disk.afterPowerCut(seededRandom(seed))
      expect(await after.list(`${path}/new`)).toHaveLength(11)
    }
  })

  test('says delivered only when the Maildir itself is there to stay, whoever is making it', async () => {
    const disk = emptyDisk()
    const synced = Promise.withResolvers<void>()
    const syncDirectory = disk.syncDirectory.bind(disk)
    disk.syncDirectory = async (folder) => {
      await synced.promise
      await syncDirectory(folder)
    }
    const isMade = Promise.withResolvers<void>()
    const none = new DiskDrop(emptyDisk())
    const real = new DiskDrop({
      open: (name, mode) => disk.open(name, mode),
      rename: (from, to) => disk.rename(from, to),
      remove: (name) => disk.remove(name),
      syncDirectory,
    })
    let puts = 0
    const drop: FileDrop = {
      async put(file) {
        if (puts++ === 0) return none.put(file)
        // It comes to this file when the first one has been told that there is no folder.
        await isMade.promise
        return real.put(file)
      },
      close: async () => undefined,
    }
    const deliver = stage({ disk, drop })
    const both = [deliver(), deliver()]
    let said = 0
    for (const each of both) void each.then(() => said++)
    await expect.poll(() => disk.stat(`${path}/tmp`)).toMatchObject({ kind: 'directory' })
    isMade.resolve()
    await expect.poll(() => disk.list(`${path}/new`)).toHaveLength(1)
    await new Promise((done) => setImmediate(done))
    expect(said).toBe(0)
    synced.resolve()
    expect(await Promise.all(both)).toEqual([[delivered], [delivered]])
  })

  test('writes one copy for each recipient that shares the Maildir', async () => {
    const disk = emptyDisk()
    expect(await stage({ disk })({ to: ['bob', 'Bob'] })).toEqual([delivered, delivered])
    expect(await disk.list(`${path}/new`)).toHaveLength(2)
  })

  test('names a null reverse-path as <>', async () => {
    const disk = emptyDisk()
    await stage({ disk })({ reversePath: null })
    const [name = ''] = await disk.list(`${path}/new`)
    expect(disk.bytes(`${path}/new/${name}`).toString()).toMatch(/^Return-Path: <>\n/)
  })

  test('keeps a host name from being taken for a path or for flags', async () => {
    const disk = emptyDisk()
    await stage({ disk, hostname: 'a/b:c' })()
    expect((await disk.list(`${path}/new`))[0]).toContain('.a\\057b\\072c,S=')
  })

  test('names files so that a disk takes them, however long the name of this host is', async () => {
    const disk = emptyDisk()
    await stage({ disk, hostname: `${'h'.repeat(63)}.`.repeat(4).slice(0, 253) })()
    const [name = ''] = await disk.list(`${path}/new`)
    expect(name.length).toBeLessThan(255)
  })

  test.each(['create', 'write'] as const)(
    'reads a large message no further where the disk fails at %s, and leaves no file of it open',
    async (kind) => {
      const disk = emptyDisk()
      disk.fault = (operation) => (operation.kind === kind ? 'DISK_FULL' : undefined)
      let open = 0
      const large = memoryMessage(`Subject: x\r\n\r\n${'y'.repeat(500_000)}\r\n`)
      const message: Message = {
        ...large,
        sizeBytes: large.sizeBytes,
        header: large.header,
        async *read() {
          open += 1
          try {
            yield* large.read()
          } finally {
            open -= 1
          }
        },
      }
      await disk.makeDirectory(`${path}/tmp`)
      expect(await stage({ disk })({ message })).toMatchObject([{ status: '4.3.1' }])
      expect(open).toBe(0)
    },
  )

  test('writes a large message piece by piece', async () => {
    const disk = emptyDisk()
    const body = 'line\r\n'.repeat(200_000)
    await stage({ disk })({ message: memoryMessage(`Subject: x\r\n\r\n${body}`) })
    expect(disk.operations.filter(({ kind }) => kind === 'write').length).toBeGreaterThan(1)
    const [name = ''] = await disk.list(`${path}/new`)
    const file = disk.bytes(`${path}/new/${name}`)
    expect(file.toString().endsWith(`\n\n${body.replaceAll('\r\n', '\n')}`)).toBe(true)
    const octets = file.length + file.toString().split('\n').length - 1
    expect(name.endsWith(`,S=${file.length},W=${octets}`)).toBe(true)
  })

  test.each([
    ['a\r\r\nb\r\n', ',S=63,W=66'],
    ['no end', undefined],
  ])('says what %j has with CRLF line ends where IMAP servers count alike', async (text, said) => {
    const disk = emptyDisk()
    await stage({ disk })({ message: memoryMessage(text) })
    const [name = ''] = await disk.list(`${path}/new`)
    const { length } = disk.bytes(`${path}/new/${name}`)
    expect(name.slice(name.indexOf(','))).toBe(said ?? `,S=${length}`)
  })

  test('repairs a Maildir that lacks a folder', async () => {
    const disk = fakeDisk({ [`${path}/tmp/left-over`]: '' })
    expect(await stage({ disk })()).toEqual([delivered])
    expect(await disk.list(`${path}/new`)).toHaveLength(1)
    expect(await disk.list(`${path}/tmp`)).toEqual(['left-over'])
  })

  test('refuses a message that was delivered to this very recipient before', async () => {
    const message = memoryMessage('Delivered-To: bob@here.test\r\nSubject: x\r\n\r\n')
    const results = await stage()({ message, to: ['bob', 'bobby'] })
    expect(results.map(({ outcome, status }) => [outcome, status])).toEqual([
      ['failed', '5.4.6'],
      ['delivered', '2.0.0'],
    ])
  })

  test('reads a message once, however many Maildirs it goes to', async () => {
    let reads = 0
    const message: Message = {
      ...hello,
      header: hello.header,
      read: () => (reads++, hello.read()),
    }
    const disk = emptyDisk()
    const deliver = stage({ disk, message })
    const paths = [path, '/srv/mail/here.test/ann', '/srv/mail/here.test/joe']
    const results = await Promise.all(paths.map((each) => deliver({ path: each })))
    expect(results.flat()).toEqual([delivered, delivered, delivered])
    expect(reads).toBe(1)
  })

  test('does not begin when it is called off', async () => {
    const disk = emptyDisk()
    expect(await stage({ disk })({}, AbortSignal.abort())).toMatchObject([{ outcome: 'deferred' }])
    expect(disk.operations).toEqual([])
  })
})

describe('a disk in trouble', () => {
  test.each([
    ['create', 'DISK_FAILED', '4.3.0'],
    ['write', 'DISK_FULL', '4.3.1'],
    ['write', 'DISK_FAILED', '4.3.0'],
    ['sync', 'DISK_FAILED', '4.3.0'],
    ['rename', 'DISK_FULL', '4.3.1'],
    ['syncDirectory', 'DISK_FAILED', '4.3.0'],
    ['makeDirectory', 'DISK_FULL', '4.3.1'],
  ] as const)('at %s with %s defers and leaves nothing behind', async (kind, code, status) => {
    const disk = emptyDisk()
    disk.fault = (operation) => (operation.kind === kind ? code : undefined)
    const deliver = stage({ disk })
    expect(await deliver()).toMatchObject([{ outcome: 'deferred', status }])
    disk.fault = () => undefined
    expect(await disk.list(`${path}/tmp`).catch(() => [])).toEqual([])
    expect(await deliver()).toEqual([delivered])
  })

  test('that can not give the message back defers', async () => {
    const message: Message = {
      ...hello,
      header: hello.header,
      async *read() {
        yield Buffer.from('Subject: half\r\n')
        throw new PosternError('DISK_FAILED', 'spool/1')
      },
    }
    const disk = emptyDisk()
    const results = await stage({ disk })({ message })
    expect(results).toMatchObject([{ outcome: 'deferred', status: '4.3.0' }])
    expect(await disk.list(`${path}/tmp`).catch(() => [])).toEqual([])
    expect(await disk.list(`${path}/new`).catch(() => [])).toEqual([])
  })
})

describe('a Maildir on a real disk', () => {
  test('is for its owner alone', async () => {
    const root = await mkdtemp(join(tmpdir(), 'postern-maildir-'))
    try {
      const maildir = join(root, 'here.test', 'bob')
      await stage({ disk: systemDisk })({ path: maildir })
      const [name = ''] = await readdir(join(maildir, 'new'))
      const modes = await Promise.all(
        [maildir, join(maildir, 'new'), join(maildir, 'new', name)].map((it) => stat(it)),
      )
      expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '700', '600'])
    } finally {
      await rm(root, { recursive: true })
    }
  })

  test('whose place is taken by a file defers', async () => {
    const root = await mkdtemp(join(tmpdir(), 'postern-maildir-'))
    try {
      await writeFile(join(root, 'here.test'), '')
      const results = await stage({ disk: systemDisk })({ path: join(root, 'here.test', 'bob') })
      expect(results).toMatchObject([{ outcome: 'deferred', status: '4.3.0' }])
    } finally {
      await rm(root, { recursive: true })
    }
  })

  test.skipIf(isMissing('python3'))('is read by another program as it was sent', async () => {
    const root = await mkdtemp(join(tmpdir(), 'postern-maildir-'))
    try {
      const maildir = join(root, 'bob')
      const message = memoryMessage('Subject: one\r\n\r\nfirst\r\n.second\r\n')
      await stage({ disk: systemDisk })({ path: maildir, message, to: ['bob', 'bob'] })
      const script = `
import json, mailbox, sys
box = mailbox.Maildir(sys.argv[1], create=False)
print(json.dumps([[m['Return-Path'], m['Delivered-To'], m['Subject'], m.get_subdir(), m.get_payload()] for m in box]))`
      const run = promisify(execFile)
      const { stdout } = await run(component('python3')!.path, ['-c', script, maildir])
      const mail = ['<ann@there.test>', 'bob@here.test', 'one', 'new', 'first\n.second\n']
      expect(JSON.parse(stdout)).toEqual([mail, mail])
    } finally {
      await rm(root, { recursive: true })
    }
  })
})
