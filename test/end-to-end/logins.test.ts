/** Who may log in and what follows from it, through a started gateway: accounts, auth.cdb, a checkpassword program. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  dialogue,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

/** Of `secret`. */
const md5 = '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'

const configuration = (chain: string): string => `listeners:
  - name: mx
    listen: 127.0.0.1:2525
chain:
${chain}  - plugin: relay-clients
  - plugin: rcpthosts
  - plugin: revoked-tags
plugin_dirs:
  - ../plugins
  - ../plugins/local
receiver: { auth_without_tls: true }
`

const backEnds = `  - plugin: accounts
  - plugin: auth-cdb
  - plugin: checkpassword
    options: { command: [FOLDER/checkpassword, /bin/true], cram: true }
  - plugin: login-senders
    options: { domain: postern.test }
`

/** Knows joe by his secret; says 111 about who makes it unsure. */
const program = `#!/bin/sh
said=$(tr '\\000' ' ' <&3)
case "$said" in
  'joe secret '*) exec "$@";;
  unsure*) exit 111;;
  *) exit 1;;
esac
`

const plain = (user: string, password = 'secret'): string =>
  `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`

async function folderWith(chain: string): Promise<GatewayFolder> {
  const folder = await gatewayFolder(configuration(chain))
  const yaml = await folder.read('postern.yaml')
  await folder.write('postern.yaml', yaml.replaceAll('FOLDER', folder.root))
  await folder.write('../checkpassword', program)
  await chmod(join(folder.root, 'checkpassword'), 0o755)
  return folder
}

async function mkauth(folder: GatewayFolder, lines: string): Promise<void> {
  const cdb = join(folder.config, 'control/auth.cdb')
  const { code, stderr } = await runPostern(['mkauth', '-c', cdb, '-'], lines)
  if (code !== 0) throw new Error(stderr)
}

const user = (folder: GatewayFolder, args: readonly string[], input = 'secret\n') =>
  runPostern(['user', ...args, '--config', folder.config], input)

describe('a gateway with accounts, auth.cdb and a checkpassword program', () => {
  let folder: GatewayFolder
  let gateway: StartedGateway
  const login = async (...lines: readonly string[]): Promise<readonly string[]> =>
    (await dialogue(gateway.port, ['EHLO client.test', ...lines])).slice(2)

  beforeAll(async () => {
    folder = await folderWith(backEnds)
    await folder.write('tables/revoked-tags', 'bob=shop@postern.test\n')
    await folder.write(
      'tcp.smtp',
      ':allow,AUTH_SET_DATABYTES="1000",AUTH_UNSET_SMTPGREETING="1",SMTPGREETING="hi"\n',
    )
    await mkauth(folder, `carl@postern.test ${md5},TAGSEPARATOR="=",DATABYTES="5000"\n`)
    await user(folder, ['add', 'Alice@postern.test'])
    gateway = await startGateway(folder)
  }, 60_000)

  afterAll(async () => {
    await gateway.stop()
    await folder.remove()
  })

  test.each(['alice@postern.test', 'ALICE@postern.test', 'carl@postern.test', 'joe'])(
    'lets %s in with the right password, and with no other',
    async (name) => {
      const [wrong, right] = await login(plain(name, 'wrong'), plain(name))
      expect(wrong).toBe('535 5.7.8 Authentication credentials invalid')
      expect(right).toBe('235 2.7.0 Authentication successful')
    },
  )

  test('says the same to a stranger, and asks for patience where nobody could say', async () => {
    expect(await login(plain('mallory'), plain('unsure'))).toEqual([
      '535 5.7.8 Authentication credentials invalid',
      '454 4.7.0 Temporary authentication failure',
    ])
  })

  test('offers what the back ends can answer', async () => {
    const [, hello] = await dialogue(gateway.port, ['EHLO client.test'])
    expect(hello).toMatch(/^250-AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256\r?$/m)
  })

  test('lets a login send as itself, to anywhere', async () => {
    expect(
      await login(
        plain('joe'),
        'MAIL FROM:<eve@postern.test>',
        'MAIL FROM:<joe@postern.test>',
        'RCPT TO:<a@far.test>',
      ),
    ).toEqual([
      expect.stringMatching(/^235 /),
      '550 5.7.1 Your login may not send from this address',
      expect.stringMatching(/^250 /),
      expect.stringMatching(/^250 /),
    ])
  })

  test('takes AUTH_SET from tcp.smtp, and above it the variables of the user, for settings and plugins', async () => {
    const sized = (from: string) => `MAIL FROM:<${from}@postern.test> SIZE=3000`
    const [, joe] = await login(plain('joe'), sized('joe'))
    expect(joe).toMatch(/^552 5\.3\.4 /)
    const [, carl, tagged] = await login(
      plain('carl@postern.test'),
      sized('carl'),
      'RCPT TO:<bob=shop@postern.test>',
    )
    expect(carl).toMatch(/^250 /)
    expect(tagged).toBe('550 5.1.1 This address is no longer in use')
    const before = await login('MAIL FROM:<x@client.test>', 'RCPT TO:<bob=shop@postern.test>')
    expect(before[1]).toMatch(/^250 /)
  })

  test('sees a change of auth.cdb and of the accounts at the next login', async () => {
    expect(await user(folder, ['add', 'dora'])).toMatchObject({ code: 0 })
    expect((await login(plain('dora')))[0]).toMatch(/^235 /)
    expect(await user(folder, ['passwd', 'dora'], 'other\n')).toMatchObject({ code: 0 })
    expect(
      (await login(plain('dora'), plain('dora', 'other'))).map((line) => line.slice(0, 3)),
    ).toEqual(['535', '235'])
    expect(await user(folder, ['remove', 'dora'])).toMatchObject({ code: 0 })
    expect((await login(plain('dora', 'other')))[0]).toMatch(/^535 /)
    await mkauth(
      folder,
      `carl@postern.test ${md5},TAGSEPARATOR="=",DATABYTES="5000"\nfred ${md5}\n`,
    )
    await expect.poll(async () => (await login(plain('fred')))[0]).toMatch(/^235 /)
  })

  test('logs each login without its password', async () => {
    await login(plain('nobody', 'tiptoe'))
    await gateway.seen('"mechanism":"PLAIN","user":"nobody"')
    expect(gateway.stderr()).not.toContain('tiptoe')
  })

  test('explains a login that failed to whoever asks for its name', async () => {
    await login(plain('zoe@postern.test', 'tiptoe'))
    const ask = () => runPostern(['why', 'zoe@postern.test', '--config', folder.config])
    await expect
      .poll(async () => (await ask()).stdout)
      .toContain('login      zoe@postern.test, refused')
    const why = await ask()
    expect(why.stdout).toContain('535 5.7.8 Authentication credentials invalid')
    expect(why.stdout).toContain('decided at auth by no single entry (NOT_VOUCHED)')
    expect(why.stdout).not.toContain('before any entry was asked')
    expect(why.stdout).not.toContain('tiptoe')
    const log = await runPostern(['log', '--user', 'zoe@postern.test', '--config', folder.config])
    expect(log.stdout).toContain('(login) zoe@postern.test')
    const byName = await runPostern(['why', 'nobody', '--config', folder.config])
    expect(byName.stdout).toContain('login      nobody, refused')
  })
})

describe('guessing', () => {
  test('is answered later and later, and then not at all, across sessions', async () => {
    const chain = `  - plugin: auth-throttle
    options: { per_address: 3, delay: 20ms }
${backEnds}`
    const folder = await folderWith(chain)
    await mkauth(folder, `carl ${md5}\n`)
    const gateway = await startGateway(folder)
    const codes = async (...lines: readonly string[]) =>
      (await dialogue(gateway.port, ['EHLO client.test', ...lines]))
        .slice(2)
        .map((reply) => reply.slice(0, 9))
    expect(await codes(plain('carl', 'a'), plain('mallory', 'b'))).toEqual([
      '535 5.7.8',
      '535 5.7.8',
    ])
    expect(await codes(plain('carl'))).toEqual(['235 2.7.0'])
    // What failed of mallory is not forgiven with what failed of carl.
    expect(await codes(plain('carl', 'c'), plain('carl', 'd'), plain('carl'))).toEqual([
      '535 5.7.8',
      '535 5.7.8',
      '421 4.7.0',
    ])
    expect(await codes(plain('carl'))).toEqual(['421 4.7.0'])
    await gateway.stop()
    await folder.remove()
  })
})

test('REQUIRE_AUTH asks for a login where tcp.smtp says so', async () => {
  const folder = await folderWith(backEnds)
  await folder.write('tcp.smtp', '127.:allow,REQUIRE_AUTH="1"\n')
  await mkauth(folder, `carl ${md5}\n`)
  const gateway = await startGateway(folder)
  const from = 'MAIL FROM:<carl@postern.test>'
  const replies = await dialogue(gateway.port, ['EHLO client.test', from, plain('carl'), from])
  expect(replies.slice(2).map((reply) => reply.slice(0, 9))).toEqual([
    '530 5.7.0',
    '235 2.7.0',
    '250 2.1.0',
  ])
  await gateway.stop()
  await folder.remove()
})

test('postern check says who cannot log in, what is missing and what is broken', async () => {
  const folder = await folderWith(backEnds.replace('FOLDER/checkpassword', '/no/such/program'))
  const check = () => runPostern(['check', '--config', folder.config])
  await user(folder, ['import'], `ann ${md5}\n`)
  const missing = await check()
  expect(missing.code).toBe(0)
  expect(missing.stderr).toContain('/no/such/program cannot be started: every login is deferred')
  expect(missing.stderr).toContain('auth.cdb is not there: every login is deferred')
  expect(missing.stderr).toContain(
    'SCRAM-SHA-256, which clients prefer, cannot be answered for ann',
  )
  await runPostern(
    ['mkauth', '-c', join(folder.config, 'control/auth.cdb'), '-'],
    `bad secret\nyes $gy$j9T$abcdefgh$7i/136rkrCoteXCYVMmke8IbBDFEZdMzaNTpkj.7sJ2\n`,
  )
  expect((await check()).stderr).toMatch(/nobody can log in as bad[^]*nobody can log in as yes/)
  await folder.write('control/auth.cdb', 'no cdb')
  expect((await check()).stderr).toContain('auth.cdb cannot be read')
  await folder.remove()
})
