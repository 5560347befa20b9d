/** The power goes while hundreds of files are on their way into Maildirs: what was said to be there is there, and whole. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { threadDrop } from '../../src/runtime/node/file-drop.ts'
import { recordingLog } from '../../src/testkit/recording-log.ts'
import { isMissing } from '../setup/components.ts'
import { loopDisk, obstacleToLoopDisks } from './loop-disk.ts'

const obstacle = isMissing('python3', 'e2fsprogs')
  ? 'python3 or mkfs.ext4 is missing'
  : obstacleToLoopDisks()
const boxes = 10
const body = Buffer.alloc(5_000, 'line\n')

test.skipIf(obstacle !== undefined)(
  'a power cut takes no file from a Maildir that was said to be there, and leaves none in half',
  { timeout: 60_000 },
  async () => {
    const disk = loopDisk()
    const drop = threadDrop(recordingLog())
    try {
      const folder = (at: number, part: string): string => join(disk.path, String(at % boxes), part)
      for (let at = 0; at < boxes; at++) {
        for (const part of ['new', 'tmp']) mkdirSync(folder(at, part), { recursive: true })
      }
      const said = new Set<string>()
      const enough = Promise.withResolvers<void>()
      let count = 0
      const putAll = async (): Promise<void> => {
        while (said.size < 400) {
          const at = count++
          const [draft, path] = [join(folder(at, 'tmp'), `${at}`), join(folder(at, 'new'), `${at}`)]
          // oxlint-disable-next-line no-await-in-loop -- one of many at a time
          await drop.put({ draft, path, head: Buffer.from(`${at}\n`), body })
          said.add(path)
        }
        enough.resolve()
      }
      const putting = Array.from({ length: 60 }, () => putAll().catch(() => undefined))
      await enough.promise
      const told = new Set(said)
      disk.cut()
      await Promise.all(putting)
      await drop.close()
      disk.mountAgain()
      for (const path of told) expect(existsSync(path), path).toBe(true)
      for (let at = 0; at < boxes; at++) {
        for (const name of readdirSync(folder(at, 'new'))) {
          const text = readFileSync(join(folder(at, 'new'), name), 'latin1')
          expect(text === `${name}\n${body.toString('latin1')}`, name).toBe(true)
        }
      }
    } finally {
      await drop.close()
      disk.remove()
    }
  },
)
