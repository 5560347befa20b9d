import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { jsonLog } from './log.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-log-'))
afterEach(() => vi.restoreAllMocks())

describe('the log', () => {
  test('writes one JSON line for each event, control characters escaped', async () => {
    const path = join(folder, 'log')
    const log = jsonLog({ level: 'info', to: path })
    await vi.waitFor(() => expect(existsSync(path)).toBe(true))
    log.info('mail.refused', { text: 'a\r\n\u001b[31mred\u009b31m\u007f' })
    log.debug('never.seen')
    await log.close()
    const text = readFileSync(path, 'latin1')
    expect(text.trimEnd().split('\n')).toHaveLength(1)
    expect(/[^\n\x20-\x7e]/.test(text)).toBe(false)
    expect(JSON.parse(text)).toMatchObject({ text: 'a\r\n\u001b[31mred\u009b31m\u007f' })
    expect(JSON.parse(text)).toMatchObject({ event: 'mail.refused', level: 'info' })
    rmSync(folder, { recursive: true })
  })

  test.skipIf(!existsSync('/dev/full'))(
    'on a full disk loses its lines, says so once, and lives',
    async () => {
      const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
      const log = jsonLog({ level: 'info', to: '/dev/full' })
      for (let line = 0; line < 500; line++)
        log.info('mail.taken', { line, filler: 'x'.repeat(100) })
      await vi.waitFor(() => expect(said).toHaveBeenCalled(), { timeout: 5000 })
      log.info('mail.taken')
      await log.close()
      expect(
        said.mock.calls.filter(([text]) => String(text).includes('cannot be written')),
      ).toHaveLength(1)
    },
  )
})
