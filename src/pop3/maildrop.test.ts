import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDisk, type FakeDisk } from '../testkit/fake-disk.ts'
import { Maildrop } from './maildrop.ts'
import { OctetBook } from './octet-book.ts'

const folders = { '/m/new/.keep': '', '/m/cur/.keep': '', '/m/tmp/.keep': '' }

function stage(files: Record<string, string>) {
  const disk = fakeDisk({ ...folders, ...files })
  const doors = { disk, clock: fakeClock(), octets: new OctetBook() }
  return { disk, open: () => Maildrop.open('/m', doors) }
}

async function filesIn(disk: FakeDisk): Promise<readonly string[]> {
  const [unread, seen] = await Promise.all([disk.list('/m/new'), disk.list('/m/cur')])
  return [...unread.map((name) => `new/${name}`), ...seen.map((name) => `cur/${name}`)]
    .filter((name) => !name.endsWith('.keep'))
    .toSorted()
}

async function text(drop: Maildrop, number: number): Promise<string> {
  const message = drop.messages[number - 1]
  if (message === undefined) throw new Error('no such message')
  const parts: Uint8Array[] = []
  for await (const part of drop.read(message)) parts.push(part)
  return Buffer.concat(parts).toString()
}

const two = { '/m/new/100.1.h': 'A: b\n\nnew\n', '/m/cur/200.1.h:2,S': 'A: b\n\nseen\n' }

describe('a Maildir', () => {
  test('is a list of messages whose names never change', async () => {
    const { open } = stage(two)
    const { messages } = await open()
    expect(messages.map(({ number, uid }) => [number, uid])).toEqual([
      [1, '100.1.h'],
      [2, '200.1.h'],
    ])
  })

  test('counts octets as they are sent, and believes what a name says', async () => {
    const { open } = stage({ ...two, '/m/cur/300.1.h,S=5,W=77:2,': 'x' })
    const drop = await open()
    const all = await Promise.all(drop.messages.map((message) => drop.octets(message)))
    expect(all).toEqual([13, 14, 77])
  })

  test('has at the end of a session only what was not deleted, and nothing new', async () => {
    const { disk, open } = stage(two)
    const drop = await open()
    const [, second] = drop.messages
    if (second === undefined) throw new Error('no such message')
    expect(await drop.update(new Set([second]))).toBe(true)
    expect(await filesIn(disk)).toEqual(['cur/100.1.h:2,'])
  })

  test('counts down in maildirsize what was deleted, so that a full mailbox has room at once', async () => {
    const trashed = { '/m/cur/400.1.h,S=50:2,ST': 'x', '/m/cur/300.1.h,S=7:2,S': '1234567' }
    const { disk, open } = stage({ ...two, ...trashed, '/m/maildirsize': '80S\n73 4\n' })
    const drop = await open()
    await drop.update(new Set(drop.messages))
    expect(Buffer.from(await disk.readFile('/m/maildirsize')).toString()).toBe(
      '80S\n73 4\n-28 -3\n',
    )
    const without = stage(two)
    const other = await without.open()
    await other.update(new Set(other.messages))
    await expect(without.disk.stat('/m/maildirsize')).rejects.toThrow('maildirsize')
  })

  test('is not read through again for each of many messages that an IMAP server has moved', async () => {
    const names = Array.from({ length: 30 }, (_, at) => `${100 + at}.1.h`)
    const { disk, open } = stage(Object.fromEntries(names.map((name) => [`/m/new/${name}`, 'x\n'])))
    const drop = await open()
    for (const name of names) await disk.rename(`/m/new/${name}`, `/m/cur/${name}:2,S`)
    let lists = 0
    const list = disk.list.bind(disk)
    disk.list = (path) => {
      lists += 1
      return list(path)
    }
    for (const message of drop.messages) expect(await drop.octets(message)).toBe(3)
    expect(await drop.update(new Set(drop.messages))).toBe(true)
    expect(lists).toBe(4)
    expect(await filesIn(disk)).toEqual([])
  })

  test('finds a message that was moved again since all of them were listed', async () => {
    const moved = { '/m/cur/100.1.h:2,S': 'x\n', '/m/cur/200.1.h:2,S': 'y\n' }
    const { disk, open } = stage(moved)
    const drop = await open()
    await disk.rename('/m/cur/100.1.h:2,S', '/m/cur/100.1.h:2,RS')
    await disk.rename('/m/cur/200.1.h:2,S', '/m/cur/200.1.h:2,RS')
    expect(await text(drop, 1)).toBe('x\n')
    await disk.rename('/m/cur/200.1.h:2,RS', '/m/cur/200.1.h:2,FRS')
    expect(await text(drop, 2)).toBe('y\n')
    const list = disk.list.bind(disk)
    let isMoved = false
    disk.list = async (path) => {
      const names = await list(path)
      if (path === '/m/cur' && !isMoved) {
        isMoved = true
        await disk.rename('/m/cur/100.1.h:2,RS', '/m/cur/100.1.h:2,FRS')
      }
      return names
    }
    expect(await drop.update(new Set(drop.messages))).toBe(true)
    expect(await filesIn(disk)).toEqual([])
  })

  test('may be used by two sessions at once', async () => {
    const { disk, open } = stage(two)
    const [one, other] = [await open(), await open()]
    const [first, second] = one.messages
    if (first === undefined || second === undefined) throw new Error('no such message')
    // What one has seen moves to cur/, and what another has deleted is gone: both without an error.
    expect(await one.update(new Set([second]))).toBe(true)
    expect(await text(other, 1)).toBe('A: b\n\nnew\n')
    await expect(text(other, 2)).rejects.toThrow('200.1.h')
    expect(await other.update(new Set(other.messages))).toBe(true)
    expect(await filesIn(disk)).toEqual([])
  })

  test('says when something could not be deleted', async () => {
    const { disk, open } = stage(two)
    const drop = await open()
    disk.fault = ({ kind, path }) =>
      kind === 'remove' && path.includes('100') ? 'DISK_FAILED' : undefined
    expect(await drop.update(new Set(drop.messages))).toBe(false)
    expect(await filesIn(disk)).toEqual(['new/100.1.h'])
  })

  test('gives a message another name where its own is too long or no text', async () => {
    const long = `1.${'x'.repeat(80)}.h`
    const { open } = stage({ [`/m/new/${long}`]: '', '/m/new/2.ä.h': '' })
    const { messages } = await open()
    for (const { uid } of messages) expect(uid).toMatch(/^[\w-]{43}$/)
    expect(new Set(messages.map(({ uid }) => uid)).size).toBe(2)
  })

  test('that is not there is an error', async () => {
    const doors = { disk: fakeDisk(), clock: fakeClock(), octets: new OctetBook() }
    await expect(Maildrop.open('/none', doors)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
