import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { jsonForm, openOutputs, type OpenedLog } from './log.ts'
import { LogFolder } from './log-folder.ts'
import { FileTarget, streamTarget, type LogTarget } from './log-target.ts'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'postern-log-'))))
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const jsonTo = (target: LogTarget): OpenedLog => openOutputs([{ form: jsonForm('info'), target }])
const linesOf = (path: string): string[] => readFileSync(path, 'latin1').trimEnd().split('\n')

describe('the log', () => {
  test('writes one JSON line for each event, control characters escaped', async () => {
    const path = join(folder, 'made', 'log')
    const log = jsonTo(new FileTarget(path))
    log.info('mail.refused', { text: 'a\r\n\u001b[31mred\u009b31m\u007f' })
    log.debug('never.seen')
    await log.close()
    const text = readFileSync(path, 'latin1')
    expect(linesOf(path)).toHaveLength(1)
    expect(/[^\n\x20-\x7e]/.test(text)).toBe(false)
    expect(JSON.parse(text)).toMatchObject({ text: 'a\r\n\u001b[31mred\u009b31m\u007f' })
    expect(JSON.parse(text)).toMatchObject({ event: 'mail.refused', level: 'info' })
  })

  test('goes on in a new file where somebody has moved the old one away', async () => {
    const path = join(folder, 'log')
    const log = jsonTo(new FileTarget(path))
    log.info('before')
    await vi.waitFor(() => expect(linesOf(path)).toHaveLength(1), { timeout: 30_000 })
    renameSync(path, `${path}.1`)
    log.info('after')
    await log.close()
    expect(linesOf(`${path}.1`)[0]).toContain('before')
    expect(linesOf(path)[0]).toContain('after')
  })

  test.skipIf(!existsSync('/dev/full'))(
    'lives where the disk is full, and says so once',
    async () => {
      const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
      const log = jsonTo(new FileTarget('/dev/full'))
      for (let line = 0; line < 500; line++)
        log.info('mail.taken', { line, filler: 'x'.repeat(100) })
      await vi.waitFor(() => expect(said).toHaveBeenCalled(), { timeout: 30_000 })
      log.info('mail.taken')
      await log.close()
      expect(
        said.mock.calls.filter(([text]) => String(text).includes('cannot be written')),
      ).toHaveLength(1)
    },
  )

  test('keeps what it can while nothing can be written, and says afterwards how much is lost', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const written: string[] = []
    let full = true
    const log = jsonTo({
      write: async (bytes) => {
        if (full) throw new Error('ENOSPC')
        written.push(bytes.toString())
        return bytes.length
      },
      close: async () => undefined,
    })
    const filler = 'x'.repeat(1_000_000)
    for (let line = 0; line < 40; line++) log.info('line', { line, filler })
    full = false
    log.info('last')
    await vi.waitFor(() => expect(written.join('')).toContain('log.lost'), { timeout: 30_000 })
    await log.close()
    const events = written
      .join('')
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    const lost = events.length - 1
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'log.lost', error: 'Error: ENOSPC' }),
    )
    expect(lost).toBeLessThan(41)
    expect(events).toContainEqual(expect.objectContaining({ event: 'log.lost', lines: 41 - lost }))
  })

  test('writes on where a write took only a part', async () => {
    const written: Buffer[] = []
    const log = jsonTo({
      write: async (bytes) => {
        written.push(Buffer.from(bytes.subarray(0, 7)))
        return Math.min(7, bytes.length)
      },
      close: async () => undefined,
    })
    for (let line = 0; line < 20; line++) log.info('line', { line })
    await log.close()
    const lines = Buffer.concat(written).toString().trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { line: number }).line)).toEqual([
      ...Array(20).keys(),
    ])
  })
})

describe('a stream', () => {
  test('gets no more with one write than a pipe keeps together, and whole lines', async () => {
    const path = join(folder, 'stream')
    const descriptor = openSync(path, 'w')
    const target = streamTarget(descriptor)
    const line = `${'x'.repeat(999)}\n`
    expect(await target.write(Buffer.from(line.repeat(10)))).toBe(4_000)
    expect(await target.write(Buffer.from(`${'y'.repeat(9_999)}\n${line}`))).toBe(10_000)
    expect(await target.write(Buffer.from(line))).toBe(1_000)
    closeSync(descriptor)
  })
})

describe('a folder of logs', () => {
  let labelled = 0
  const folderTarget = (files = 3, fileBytes = 4_096): LogFolder =>
    new LogFolder({
      path: folder,
      files,
      fileBytes,
      label: () => `@${String(++labelled).padStart(24, '0')}`,
    })
  const old = (): string[] => readdirSync(folder).filter((name) => name.startsWith('@'))
  const isFinished = (name: string): boolean => (statSync(join(folder, name)).mode & 0o100) !== 0

  test('has files of bounded size and number, whole lines in each, the finished ones executable', async () => {
    const log = jsonTo(folderTarget())
    await log.open()
    for (let line = 0; line < 400; line++) log.info('mail.taken', { line })
    await log.close()
    expect(old()).toHaveLength(3)
    for (const name of [...old(), 'current']) {
      expect(isFinished(name)).toBe(true)
      expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(4_096)
      for (const line of linesOf(join(folder, name))) JSON.parse(line)
    }
    expect(old().every((name) => /^@[0-9a-f]{24}\.s$/.test(name))).toBe(true)
    expect(linesOf(join(folder, 'current')).at(-1)).toContain('"line":399')
  })

  test('is written on after a clean end, and sets aside what a crash left', async () => {
    const first = jsonTo(folderTarget())
    await first.open()
    first.info('first')
    await first.close()
    const second = jsonTo(folderTarget())
    await second.open()
    expect(isFinished('current')).toBe(false)
    second.info('second')
    await second.close()
    expect(linesOf(join(folder, 'current'))).toHaveLength(2)
    chmodSync(join(folder, 'current'), 0o644)
    const third = jsonTo(folderTarget())
    await third.open()
    third.info('third')
    await third.close()
    expect(old()).toEqual([expect.stringMatching(/^@[0-9a-f]{24}\.u$/)])
    expect(linesOf(join(folder, 'current'))).toHaveLength(1)
  })

  test('takes the lines of several processes, none lost, none torn', async () => {
    const logs = [1, 2, 3].map(() => jsonTo(folderTarget(1_000)))
    await logs[0]?.open()
    for (let line = 0; line < 300; line++) {
      for (const [by, log] of logs.entries()) log.info('mail.taken', { line, by })
    }
    await Promise.all(logs.map((log) => log.close()))
    const lines = [...old(), 'current'].flatMap((name) => linesOf(join(folder, name)))
    expect(lines).toHaveLength(900)
    expect(new Set(lines.map((line) => (JSON.parse(line) as { by: number }).by)).size).toBe(3)
  })

  test('gets over a lock that a killed process left', async () => {
    writeFileSync(join(folder, 'rotating'), '')
    utimesSync(join(folder, 'rotating'), 0, 0)
    const log = jsonTo(folderTarget())
    await log.open()
    for (let line = 0; line < 100; line++) log.info('mail.taken', { line })
    await log.close()
    expect(old().length).toBeGreaterThan(0)
  })

  test('loses no file to another process that came by the same name, or has moved the file first', async () => {
    let asked = 0
    const label = (): string => {
      // Between the look and the move: what another worker does that took the lock for one of a dead process.
      if (++asked === 1) writeFileSync(join(folder, `@${'1'.repeat(24)}.s`), 'of another')
      if (asked === 2) {
        renameSync(join(folder, 'current'), join(folder, `@${'2'.repeat(24)}.s`))
        writeFileSync(join(folder, 'current'), 'begun by another\n')
      }
      return `@${String(asked).repeat(24)}`
    }
    const target = new LogFolder({ path: folder, files: 9, fileBytes: 10, label })
    for (const line of ['full file\n', 'next one\n']) await target.write(Buffer.from(line))
    await target.close()
    const found = readdirSync(folder)
      .toSorted()
      .map((name) => readFileSync(join(folder, name), 'latin1'))
    expect(found.filter((text) => text !== '')).toEqual([
      'of another',
      'full file\n',
      'begun by another\n',
      'next one\n',
    ])
  })

  test('gives a line that is larger than a file a file of its own', async () => {
    const log = jsonTo(folderTarget())
    await log.open()
    log.info('small')
    log.info('large', { filler: 'x'.repeat(10_000) })
    log.info('small')
    await log.close()
    expect(old()).toHaveLength(2)
  })
})
