import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { supervisorSocket } from './ask-supervisor.ts'

test('the running gateway is found while its configuration is no YAML', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-socket-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  expect(supervisorSocket(folder)).toBe(join(folder, '../var/control/socket'))
  const write = (text: string): void => writeFileSync(join(folder, 'postern.yaml'), text)
  write('state: /srv/postern\nchain: [\n')
  expect(supervisorSocket(folder)).toBe('/srv/postern/control/socket')
  write('state: state\nchain: [\n')
  expect(supervisorSocket(folder)).toBe(join(folder, 'state/control/socket'))
})
