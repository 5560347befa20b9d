import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { deliverToMbox } from './mbox.ts'

const lines = {
  from: 'From s@a.test Sat Nov 21 08:26:35 2026\n',
  returnPath: 'Return-Path: <s@a.test>\n',
  deliveredTo: 'Delivered-To: r@b.test\n',
}
const head = lines.from + lines.returnPath + lines.deliveredTo
const locks = { takeMbox: async () => ({ release: async () => undefined }) }

async function* inChunks(text: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += size) {
    await Promise.resolve()
    yield Buffer.from(text.slice(at, at + size), 'latin1')
  }
}

function homeFolder(): string {
  const home = mkdtempSync(join(tmpdir(), 'postern-mbox-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  return home
}

async function delivered(text: string, size = text.length || 1): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'postern-mbox-'))
  try {
    const message = inChunks(text, size)
    const trouble = await deliverToMbox(
      { disk: systemDisk, locks },
      { path: './m', home, lines, message },
    )
    expect(trouble).toBeUndefined()
    return readFileSync(join(home, 'm'), 'latin1')
  } finally {
    rmSync(home, { recursive: true })
  }
}

describe('a message in an mbox', () => {
  test('has its lines quoted that look like the beginning of another', async () => {
    const text = 'S: x\n\nFrom me\n>From you\n From z\nFrom\nfrom\n'
    expect(await delivered(text)).toBe(
      `${head}S: x\n\n>From me\n>>From you\n From z\nFrom\nfrom\n\n`,
    )
  })

  test('is the same however its bytes came', async () => {
    const line = fc.constantFrom('From ', '>', 'From', 'x', '\n', '\n\n', 'F', 'r', ' ')
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        async (parts, size) => {
          const text = parts.join('')
          const quoted = text.replace(/^(>*From )/gm, '>$1')
          const end = text === '' || text.endsWith('\n') ? '\n' : '\n\n'
          expect(await delivered(text, size)).toBe(head + quoted + end)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('goes behind what is there', async () => {
    const home = homeFolder()
    writeFileSync(join(home, 'm'), 'before\n\n')
    const delivery = { path: './m', home, lines, message: inChunks('S: x\n', 5) }
    await deliverToMbox({ disk: systemDisk, locks }, delivery)
    expect(readFileSync(join(home, 'm'), 'latin1')).toBe(`before\n\n${head}S: x\n\n`)
  })

  test('goes into the file that has the name once it is locked, not into one that a mail reader has replaced', async () => {
    const home = homeFolder()
    writeFileSync(join(home, 'm'), 'before\n\n')
    const takeMbox = async (path: string) => {
      writeFileSync(`${path}.new`, 'what is left\n\n')
      renameSync(`${path}.new`, path)
      return { release: async () => undefined }
    }
    const delivery = { path: './m', home, lines, message: inChunks('S: x\n', 5) }
    await deliverToMbox({ disk: systemDisk, locks: { takeMbox } }, delivery)
    expect(readFileSync(join(home, 'm'), 'latin1')).toBe(`what is left\n\n${head}S: x\n\n`)
  })

  test('that can not be read to its end leaves the mbox as it was', async () => {
    const home = homeFolder()
    writeFileSync(join(home, 'm'), 'before\n\n')
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('S: x\n')
      await Promise.resolve()
      throw new PosternError('DISK_FAILED', 'the spool')
    }
    const delivery = { path: './m', home, lines, message: broken() }
    expect(await deliverToMbox({ disk: systemDisk, locks }, delivery)).toMatchObject({ exit: 111 })
    expect(readFileSync(join(home, 'm'), 'latin1')).toBe('before\n\n')
  })

  test('waits no longer than half a minute for a locked file', async () => {
    const busy = { takeMbox: async () => Promise.reject(new PosternError('TIMEOUT')) }
    const delivery = { path: './m', home: homeFolder(), lines, message: inChunks('x', 1) }
    expect(await deliverToMbox({ disk: systemDisk, locks: busy }, delivery)).toEqual({
      exit: 111,
      text: 'File has been locked for 30 seconds straight. (#4.3.0)',
    })
  })
})
