import { describe, expect, test } from 'vitest'
import { fakeDisk } from '../../testkit/fake-disk.ts'
import { ConfigFiles } from './config-files.ts'
import { ImportFindings } from './findings.ts'
import { Installation } from './installation.ts'

function files(there: Readonly<Record<string, string>>): ConfigFiles {
  const installation = new Installation(fakeDisk(there), '/var/qmail')
  return new ConfigFiles(installation, new ImportFindings(), false)
}

describe('a file that the installation names', () => {
  test('is never written outside of the new folder, whatever its path', () => {
    const copied = files({ '/etc/ssl/mx.pem': 'key' })
    const to = copied.refer('/var/qmail/control/../../../etc/ssl/mx.pem', 'tls', 'run:1')
    expect(to).toBe('tls/mx.pem')
    expect([...copied.copies.keys()]).toEqual(['tls/mx.pem'])
  })

  test('takes no other file’s place though both have one name', () => {
    const copied = files({ '/etc/a/users.cdb': 'one', '/etc/b/users.cdb': 'two' })
    const names = ['/etc/a/users.cdb', '/etc/b/users.cdb', '/etc/a/users.cdb'].map((path) =>
      copied.refer(path, 'control', 'run:1'),
    )
    expect(names).toEqual(['control/users.cdb', 'control/users-2.cdb', 'control/users.cdb'])
  })
})
