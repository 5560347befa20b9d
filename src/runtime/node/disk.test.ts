import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  readFileSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemDisk } from './disk.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-disk-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

describe('a file', () => {
  test('is written in parts at a position, and read back', async () => {
    const path = join(folder, 'file')
    const file = await systemDisk.open(path, 'create')
    file.writeNow([Buffer.from('one '), Buffer.alloc(0), Buffer.from('two ')], 0)
    await file.write([Buffer.from('three'), Buffer.from(' four')], 8)
    await file.datasync()
    await file.sync()
    await systemDisk.syncDirectory(folder)
    expect(Buffer.from(await file.read(4, 9)).toString()).toBe('two three')
    expect(Buffer.from(file.readNow(13, 100)).toString()).toBe(' four')
    expect((await file.stat()).sizeBytes).toBe(18)
    await file.truncate(3)
    await file.close()
    expect(Buffer.from(await systemDisk.readFile(path)).toString()).toBe('one')
    expect(Buffer.from(systemDisk.readFileNow(path)).toString()).toBe('one')
  })

  test('of thousands of parts is written whole', async () => {
    const file = await systemDisk.open(join(folder, 'file'), 'create')
    const parts = Array.from({ length: 5_000 }, (_, i) => Buffer.from(`${i},`))
    file.writeNow(parts, 0)
    expect(Buffer.from(await file.read(0, 100_000))).toEqual(Buffer.concat(parts))
    await file.close()
  })

  test('that others append to as well loses nothing of what each of them wrote', async () => {
    const path = join(folder, 'file')
    writeFileSync(path, 'one,')
    const file = await systemDisk.open(path, 'append')
    appendFileSync(path, 'two,')
    await file.write([Buffer.from('three,')], 0)
    appendFileSync(path, 'four,')
    file.writeNow([Buffer.from('five')], 0)
    await file.close()
    expect(readFileSync(path, 'utf8')).toBe('one,two,three,four,five')
    await expect(systemDisk.open(`${path}2`, 'append')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    execFileSync('mkfifo', [`${path}3`])
    await expect(systemDisk.open(`${path}3`, 'append')).rejects.toMatchObject({
      code: 'DISK_FAILED',
    })
  })

  test('that is missing is NOT_FOUND, one that exists is not created again', async () => {
    const path = join(folder, 'file')
    await expect(systemDisk.open(path, 'read')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(systemDisk.open(path, 'write')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(systemDisk.stat(path)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(() => systemDisk.readFileNow(path)).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    )
    expect(() => systemDisk.openNow(path)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    await (await systemDisk.open(path, 'open')).close()
    await (await systemDisk.open(path, 'open')).close()
    await expect(systemDisk.open(path, 'create')).rejects.toMatchObject({ code: 'DISK_FAILED' })
  })

  test('that is none is waited for by nobody: a FIFO and a device without end are refused, /dev/null is empty', async () => {
    const path = join(folder, 'fifo')
    execFileSync('mkfifo', [path])
    for (const none of [path, '/dev/zero', folder]) {
      expect(() => systemDisk.readFileNow(none)).toThrow(
        expect.objectContaining({ code: 'DISK_FAILED' }),
      )
    }
    expect(systemDisk.readFileNow('/dev/null')).toHaveLength(0)
    const file = systemDisk.openNow(path)
    expect(() => file.readNow(0, 1)).toThrow(expect.objectContaining({ code: 'DISK_FAILED' }))
    await file.close()
  })

  test('that is larger than allowed is refused, not cut', async () => {
    const path = join(folder, 'file')
    writeFileSync(path, 'four')
    await expect(systemDisk.readFile(path, 3)).rejects.toMatchObject({ code: 'DISK_FAILED' })
    expect(() => systemDisk.readFileNow(path, 3)).toThrow('has 4 bytes')
    expect(await systemDisk.readFile(path, 4)).toHaveLength(4)
  })

  test.runIf(existsSync('/dev/full'))('on a full device is DISK_FULL', async () => {
    const file = await systemDisk.open('/dev/full', 'write')
    expect(() => file.writeNow([Buffer.from('x')], 0)).toThrow(
      expect.objectContaining({ code: 'DISK_FULL' }),
    )
    await expect(file.write([Buffer.from('x')], 0)).rejects.toMatchObject({ code: 'DISK_FULL' })
    await file.close()
  })
})

describe('a folder', () => {
  test('is made with its parents, listed, and its files renamed and removed', async () => {
    const deep = join(folder, 'a', 'b')
    await systemDisk.makeDirectory(deep)
    await systemDisk.makeDirectory(deep)
    writeFileSync(join(deep, 'one'), '')
    await systemDisk.rename(join(deep, 'one'), join(deep, 'two'))
    expect(await systemDisk.list(deep)).toEqual(['two'])
    await systemDisk.remove(join(deep, 'two'))
    expect(await systemDisk.list(deep)).toEqual([])
    expect((await systemDisk.stat(deep)).kind).toBe('directory')
  })
})

describe('a lock', () => {
  test('is held by one at a time', async () => {
    const path = join(folder, 'lock')
    const lock = await systemDisk.lock(path)
    await expect(systemDisk.lock(path)).rejects.toMatchObject({
      code: 'SPOOL_LOCKED',
      message: expect.stringContaining(`held by process ${process.pid}`),
    })
    await lock.release()
    await lock.release()
    await (await systemDisk.lock(path)).release()
  })

  test('wants no byte of a disk, which may be full: only who holds it is written where there is room', async () => {
    const lock = await systemDisk.lock(join(folder, 'lock'))
    expect(readdirSync(folder).toSorted()).toEqual(['lock', 'lock.pid'])
    expect(statSync(join(folder, 'lock')).size).toBe(0)
    await lock.release()
  })

  test('dies with its process, however that dies', async () => {
    const path = join(folder, 'lock')
    const module = new URL('./disk-lock.ts', import.meta.url).href
    const program = `const { lockFile } = await import(${JSON.stringify(module)})
      await lockFile(process.argv[1]); console.log('held'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, path])
    await once(child.stdout, 'data')
    await expect(systemDisk.lock(path)).rejects.toMatchObject({ code: 'SPOOL_LOCKED' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    await (await systemDisk.lock(path)).release()
  })

  test('that cannot be taken for want of a folder is DISK_FAILED', async () => {
    const path = join(folder, 'missing', 'lock')
    await expect(systemDisk.lock(path)).rejects.toMatchObject({ code: 'DISK_FAILED' })
  })
})

describe('a watch', () => {
  test.each(['written to', 'replaced', 'made'])('tells of a file that is %s', async (how) => {
    const path = join(folder, 'table')
    if (how !== 'made') writeFileSync(path, 'before')
    await new Promise<void>((told) => {
      const watch = systemDisk.watch(path, () => {
        watch.close()
        told()
      })
      if (how === 'written to') appendFileSync(path, ' and after')
      else if (how === 'made') writeFileSync(path, 'new')
      else {
        writeFileSync(join(folder, 'new'), 'after')
        renameSync(join(folder, 'new'), path)
      }
    })
    expect(systemDisk.readFileNow(path).length).toBeGreaterThan(0)
  })

  test('tells of a file that was put in place before one that was written to', async () => {
    const [written, replaced] = [join(folder, 'written'), join(folder, 'replaced')]
    for (const path of [written, replaced]) writeFileSync(path, 'before')
    const told: string[] = []
    await new Promise<void>((both) => {
      const watches = [written, replaced].map((path) =>
        systemDisk.watch(path, () => {
          if (told.push(path) < 2) return
          for (const watch of watches) watch.close()
          both()
        }),
      )
      appendFileSync(written, ' and after')
      writeFileSync(join(folder, 'new'), 'after')
      renameSync(join(folder, 'new'), replaced)
    })
    expect(told).toEqual([replaced, written])
  })

  test('tells of a file that an editor writes anew when all of it is there', async () => {
    const path = join(folder, 'table')
    writeFileSync(path, 'before')
    const told = await new Promise<string>((resolve) => {
      const watch = systemDisk.watch(path, () => {
        watch.close()
        resolve(Buffer.from(systemDisk.readFileNow(path)).toString())
      })
      // The old file goes to a backup, the new one is written where it was.
      renameSync(path, join(folder, 'backup'))
      writeFileSync(path, '')
      appendFileSync(path, 'one,')
      appendFileSync(path, 'two')
    })
    expect(told).toBe('one,two')
  })

  test('of a folder tells nothing of files that are ours', async () => {
    const calls: string[] = []
    const watched = (name: string, isOurs?: (name: string) => boolean): Promise<void> =>
      new Promise((told) => {
        const watch = systemDisk.watch(
          folder,
          () => {
            calls.push(name)
            watch.close()
            told()
          },
          isOurs,
        )
      })
    const theirs = watched('theirs', (name) => name === 'log')
    const all = watched('all')
    appendFileSync(join(folder, 'log'), 'one')
    await all
    appendFileSync(join(folder, 'table'), 'two')
    await theirs
    expect(calls).toEqual(['all', 'theirs'])
  })

  test('of a folder tells of a file that changes in it', async () => {
    const path = join(folder, 'table')
    writeFileSync(path, 'before')
    let calls = 0
    await new Promise<void>((told) => {
      const watch = systemDisk.watch(folder, () => {
        calls++
        watch.close()
        told()
      })
      appendFileSync(path, ' and after')
      appendFileSync(path, ' and more')
    })
    expect(calls).toBe(1)
  })
})
