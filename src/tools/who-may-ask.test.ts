import { expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import type { FileStat } from '../runtime/disk.ts'
import { forbiddenBy, whoMay, type AskerFacts } from './who-may-ask.ts'

const passwd =
  'root:x:0:0::/root:/bin/sh\npostern:x:990:991::/:/bin/false\nann:x:1000:1000::/h:/bin/sh\n'
const socket = '/var/lib/postern/control/socket'

const whoMayAsk = (path: string, args: readonly string[], facts: AskerFacts) =>
  whoMay({ what: 'ask', path, args }, facts)

/** A host on which ann can learn of these paths. */
function host(known: Readonly<Record<string, Partial<FileStat>>>) {
  const usual: FileStat = {
    sizeBytes: 0,
    modifiedAt: 0,
    inode: 1,
    links: 1,
    kind: 'other',
    uid: 990,
    gid: 991,
    mode: 0o600,
  }
  return {
    uid: 1000,
    disk: {
      async stat(path: string) {
        const found = known[path]
        if (found === undefined) throw new PosternError('DISK_FAILED', path)
        return { ...usual, ...found }
      },
      async readFile(path: string) {
        return Buffer.from(path === '/etc/group' ? 'ops:x:400:bob\n' : passwd)
      },
    },
  }
}

test('whoever may not ask hears who may, and what to type', async () => {
  const only = host({ '/var/lib/postern': { kind: 'directory', mode: 0o700 } })
  expect(await whoMayAsk(socket, ['queue', 'list', '--from', "o'hara@a.test"], only)).toBe(
    [
      `postern: ann may not ask the gateway behind ${socket}: postern may`,
      `  try: sudo -u postern postern queue list --from 'o'\\''hara@a.test'`,
      '  or let a group ask: control: { group: NAME } in postern.yaml, then postern restart',
      '',
    ].join('\n'),
  )
})

test('where a group may ask, it is named', async () => {
  const shared = host({ [socket]: { gid: 400, mode: 0o660 } })
  const said = await whoMayAsk(socket, ['stat'], shared)
  expect(said).toContain('postern and members of the group ops may')
  expect(said).toContain('usermod -aG ops ann')
})

test('where nothing can be learned nobody is accused', async () => {
  const said = await whoMayAsk(socket, ['stat'], { ...host({}), uid: 4711 })
  expect(said).toContain('uid 4711 may not ask')
  expect(said).toContain('the user that started it may')
  expect(said).not.toContain('sudo')
})

test('of files the same is said, and of other errors nothing', async () => {
  const cause = Object.assign(new Error('EACCES'), {
    code: 'EACCES',
    path: '/var/lib/postern/spool',
  })
  const forbidden = forbiddenBy(new PosternError('DISK_FAILED', 'x', { cause }), ['queue', 'list'])
  expect(forbidden).toEqual({ what: 'use', path: cause.path, args: ['queue', 'list'] })
  const only = host({ '/var/lib/postern': { kind: 'directory', mode: 0o700 } })
  expect(forbidden && (await whoMay(forbidden, only))).toBe(
    'postern: ann may not use /var/lib/postern/spool: postern may\n' +
      '  try: sudo -u postern postern queue list\n',
  )
  expect(forbiddenBy(new PosternError('DISK_FULL'), [])).toBeUndefined()
  expect(forbiddenBy(new Error('EACCES'), [])).toBeUndefined()
})
