import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { checkout, runProgram } from '../end-to-end/started-gateway.ts'

const units = ['postern.service', 'postern.socket']
const folder = mkdtempSync(join(tmpdir(), 'postern-systemd-'))
afterAll(() => rmSync(folder, { recursive: true }))

const hasSystemd = ((): boolean => {
  try {
    execFileSync('systemd-analyze', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** The units, with a program that is there. */
function installed(): readonly string[] {
  return units.map((name) => {
    const text = readFileSync(join(checkout, 'packaging/systemd', name), 'utf8')
    const path = join(folder, name)
    writeFileSync(path, text.replaceAll('/usr/bin/postern', join(checkout, 'bin/postern')))
    chmodSync(path, 0o644)
    return path
  })
}

describe.skipIf(!hasSystemd)('the units of systemd', () => {
  test('hold nothing that systemd does not know', async () => {
    const { stdout, stderr } = await runProgram('systemd-analyze', [
      'verify',
      '--man=no',
      ...installed(),
    ])
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('postern'))).toEqual([])
  })

  test('leave the service little to do harm with', async () => {
    const [service = ''] = installed()
    const args = ['security', '--offline=true', '--threshold=20', service]
    const { code, stdout } = await runProgram('systemd-analyze', args)
    expect(stdout).toContain('Overall exposure level')
    expect(code).toBe(0)
  })
})

/** What the comment of the unit says for a gateway that must start as root. */
function dropIn(): string {
  const text = readFileSync(join(checkout, 'packaging/systemd/postern.service'), 'utf8')
  const [comment = ''] = text.split('[Unit]')
  const settings = comment.split('\n').filter((line) => line.startsWith('#   '))
  return settings.map((line) => line.slice(4)).join('\n')
}

describe('what the unit says for delivery as the users themselves', () => {
  test('lets the gateway change users, write their homes, and be reached by them', () => {
    const text = dropIn()
    for (const setting of [
      'User=root',
      'SystemCallFilter=@setuid @chown',
      'ProtectSystem=full',
      'ProtectHome=no',
      'AmbientCapabilities=',
      'RestrictSUIDSGID=no',
      'StateDirectory=',
    ]) {
      expect(text.split('\n')).toContain(setting)
    }
  })

  test.skipIf(!hasSystemd)('is what systemd knows', async () => {
    const [service = ''] = installed()
    mkdirSync(`${service}.d`, { recursive: true })
    const path = join(`${service}.d`, 'root.conf')
    writeFileSync(path, dropIn().replace('systemctl edit postern\n', ''))
    const { stdout, stderr } = await runProgram('systemd-analyze', ['verify', '--man=no', service])
    rmSync(`${service}.d`, { recursive: true })
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('root.conf'))).toEqual(
      [],
    )
  })
})

test('the socket has the name that listen: systemd:smtp asks for, and its service runs as nobody else', () => {
  const [service = '', socket = ''] = units.map((name) =>
    readFileSync(join(checkout, 'packaging/systemd', name), 'utf8'),
  )
  expect(socket).toMatch(/^FileDescriptorName=smtp$/m)
  expect(service).toMatch(/^User=postern$/m)
  expect(service).toMatch(/^NoNewPrivileges=yes$/m)
  // Its administration gives way to mail.
  expect(service).toMatch(/^SystemCallFilter=setpriority$/m)
})
