/** What dpkg runs, run by sh below a folder, with programs that only write down how they were called. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkout, runProgram } from '../end-to-end/started-gateway.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'postern-scripts-'))
  const folders = [
    'bin',
    'etc/postern/control',
    'var/lib',
    'var/cache/postern',
    'run/systemd/system',
  ]
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true })
  for (const name of ['adduser', 'systemctl', 'chgrp']) await stub(name, 'exit 0')
  await stub('getent', `test -e '${root}/there'`)
  await stub('install', 'for last; do :; done; mkdir -p "$last"')
})
afterEach(() => rm(root, { recursive: true }))

async function stub(name: string, then: string): Promise<void> {
  const path = join(root, 'bin', name)
  await writeFile(path, `#!/bin/sh\necho "${name} $*" >>'${root}/called'\n${then}\n`)
  await chmod(path, 0o755)
}

/** @returns how programs were called */
async function ran(script: string, ...args: readonly string[]): Promise<readonly string[]> {
  const text = await readFile(join(checkout, 'packaging/deb', script), 'utf8')
  const path = join(root, script)
  await writeFile(path, text.replaceAll(/\/(etc|var|run|usr\/lib)\//g, `${root}/$1/`))
  await rm(join(root, 'called'), { force: true })
  const env = { PATH: `${root}/bin:/usr/bin:/bin` }
  expect(await runProgram('/bin/sh', [path, ...args], { env })).toMatchObject({
    code: 0,
    stderr: '',
  })
  const called = await readFile(join(root, 'called'), 'utf8').catch(() => '')
  return called
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replaceAll(root, ''))
}

const secret = (): string => join(root, 'etc/postern/control/srs.secret')

describe('the scripts of the package', () => {
  test('make a user, folders and a secret, and start nothing by themselves', async () => {
    const called = await ran('postinst', 'configure', '')
    expect(called).toContainEqual(expect.stringMatching(/^adduser --system .* postern$/))
    expect(called).toContain('install -d -o postern -g postern -m 0700 /var/lib/postern')
    expect(called).toContain('chgrp -R postern /etc/postern')
    expect(called.filter((line) => line.startsWith('systemctl'))).toEqual([
      'systemctl daemon-reload',
    ])
    expect(await readFile(secret(), 'utf8')).toMatch(/^[0-9a-f]{64}$/)
  })

  test('keep what there is at an update, and restart what runs', async () => {
    await ran('postinst', 'configure', '')
    const before = await readFile(secret(), 'utf8')
    await writeFile(join(root, 'there'), '')
    const called = await ran('postinst', 'configure', '0.0.9')
    expect(called).toEqual([
      'getent passwd postern',
      'systemctl daemon-reload',
      'systemctl try-restart postern.service',
    ])
    expect(await readFile(secret(), 'utf8')).toBe(before)
  })

  test('do without systemd where it does not run', async () => {
    await rm(join(root, 'run/systemd'), { recursive: true })
    const called = [
      ...(await ran('postinst', 'configure', '')),
      ...(await ran('prerm', 'remove')),
      ...(await ran('postrm', 'remove')),
    ]
    expect(called.filter((line) => line.startsWith('systemctl'))).toEqual([])
  })

  test('stop the gateway when the package goes, and never touch its mail', async () => {
    await ran('postinst', 'configure', '')
    const mail = join(root, 'var/lib/postern/spool')
    await writeFile(mail, 'promised')
    expect(await ran('prerm', 'remove')).toEqual([
      'systemctl --no-reload disable --now postern.socket postern.service',
    ])
    await ran('postrm', 'remove')
    expect(existsSync(secret())).toBe(true)
    await ran('postrm', 'purge')
    expect([existsSync(secret()), await readFile(mail, 'utf8')]).toEqual([false, 'promised'])
  })
})
