import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { adminWish } from './admin-wish.ts'

test('the administration is begun anew where what it opens once lies elsewhere, and for nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-wish-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const wish = (yaml: string) => {
    writeFileSync(join(folder, 'postern.yaml'), `chain: []\n${yaml}`)
    return adminWish(folder)
  }
  const usual = wish('')
  expect(usual).toMatchObject({ wants: 'on' })
  expect(wish('delivery: { paused: true }\n')).toEqual(usual)
  for (const other of [
    'log: { to: ../var/log }\n',
    'accounts: { path: ../var/a.db }\n',
    "admin: { listen: '127.0.0.1:8026' }\n",
  ]) {
    expect(wish(other)).toMatchObject({ wants: 'on' })
    expect(wish(other)).not.toEqual(usual)
  }
  expect(wish('admin: off\n')).toEqual({ wants: 'off' })
  expect(wish('admin: [\n')).toEqual({ wants: 'unknown' })
})
