import { expect, test } from 'vitest'
import { readFolder } from './read-offline.ts'
import { ownPaths, PathWatches } from './path-watches.ts'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

test('what the gateway writes beside its configuration is no change of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-watches-'))
  try {
    mkdirSync(join(folder, 'control'))
    writeFileSync(join(folder, 'control/me'), 'mx.test\n')
    writeFileSync(
      join(folder, 'postern.yaml'),
      `listeners: [{ name: mx, listen: '127.0.0.1:2525', record: said }]\nchain: []\nstate: var\n` +
        'store: { path: store.db }\nlog: { to: postern.log, also: [{ to: control/log }] }\n',
    )
    const { configuration } = readFolder(folder)
    if (configuration === undefined) throw new Error('it has mistakes')
    let isOurs: (name: string) => boolean = () => false
    const watch = (_path: string, _changed: () => void, given = isOurs) => {
      isOurs = given
      return { close: () => undefined }
    }
    new PathWatches({ watch }, () => undefined).follow(new Set([folder]), ownPaths(configuration))
    const names = ['postern.log', 'said', 'store.db', 'store.db-wal', 'var', 'control', 'tcp.smtp']
    expect(names.filter(isOurs)).toEqual(names.slice(0, 5))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
