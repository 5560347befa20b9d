/** The back ends of logins, with clients that nobody here wrote: msmtp, swaks, curl, nodemailer. */
import { execFileSync } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  gatewayFolder,
  runPostern,
  runProgram,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'

const perl = component('perl')?.path

/** Each of these is somebody in auth.cdb, by `pässword`, as the system's crypt(3) computes it. */
const settings: Readonly<Record<string, string>> = {
  des: 'ab',
  md5: '$1$abcdefgh$',
  sha256: '$5$rounds=1000$abcdefgh$',
  sha512: '$6$abcdefgh$',
  bcrypt: '$2y$05$abcdefghijklmnopqrstuu',
}
const password = 'pässword'
const crypt = (setting: string): string =>
  execFileSync(perl ?? 'perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, setting], {
    encoding: 'utf8',
  })

/** Perl knows digests: joe logs in by a password or by CRAM-MD5. */
const program = `#!/usr/bin/perl
use Digest::MD5 qw(md5);
open(my $said, '<&=', 3) or exit 2;
my ($user, $password, $challenge) = split /\\0/, join('', <$said>), -1;
exit 1 unless $user eq 'joe';
my $key = 'secret' . ("\\0" x 58);
my $digest = unpack('H*', md5(($key ^ ("\\x5c" x 64)) . md5(($key ^ ("\\x36" x 64)) . $challenge)));
exit 1 unless $password eq (length $challenge ? $digest : 'secret');
exec @ARGV;
`

let gateway: StartedGateway

beforeAll(async () => {
  const folder = await gatewayFolder(`listeners:
  - name: submission
    role: submission
    listen: 127.0.0.1:2525
chain:
  - plugin: auth-throttle
    options: { per_address: 0, per_network: 0, delay: 0s }
  - plugin: accounts
  - plugin: auth-cdb
  - plugin: checkpassword
    options: { command: [FOLDER/checkpassword, /bin/true], cram: true }
  - plugin: relay-clients
plugin_dirs: [../plugins]
`)
  const yaml = await folder.read('postern.yaml')
  await folder.write('postern.yaml', yaml.replaceAll('FOLDER', folder.root))
  await folder.write('../checkpassword', program)
  await chmod(join(folder.root, 'checkpassword'), 0o755)
  const users = Object.entries(settings).map(([name, setting]) => `${name} ${crypt(setting)}\n`)
  const cdb = join(folder.config, 'control/auth.cdb')
  await runPostern(['mkauth', '-c', cdb, '-'], users.join(''))
  await runPostern(['user', 'add', 'alice@example.org', '--config', folder.config], password)
  gateway = await startGateway(folder)
}, 60_000)

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

const nodemailer = (method: string, user: string, pass: string) =>
  createTransport({
    host: '127.0.0.1',
    port: gateway.port,
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    authMethod: method,
    auth: { user, pass },
  }).verify()

describe.skipIf(isMissing('perl'))('nodemailer', () => {
  test.each([
    ...Object.keys(settings).map((name) => ['PLAIN', name, password]),
    ['LOGIN', 'sha512', password],
    ['LOGIN', 'alice@example.org', password],
    ['PLAIN', 'joe', 'secret'],
    ['CRAM-MD5', 'joe', 'secret'],
  ])('logs in by %s as %s', async (method, user, pass) => {
    expect(await nodemailer(method, user, pass)).toBe(true)
    await expect(nodemailer(method, user, `x${pass}`)).rejects.toThrow('535 5.7.8')
  })
})

describe.skipIf(isMissing('msmtp'))('msmtp', () => {
  const send = (user: string, pass: string, mechanism: string) =>
    runProgram(
      component('msmtp')?.path ?? '',
      [
        '--file=/dev/null',
        '--host=127.0.0.1',
        `--port=${gateway.port}`,
        `--auth=${mechanism}`,
        `--user=${user}`,
        `--passwordeval=printf '%s' '${pass}'`,
        '--tls=on',
        '--tls-starttls=on',
        `--tls-trust-file=${join(gateway.folder.root, 'var/tls/postern.test.pem')}`,
        '--tls-host-override=postern.test',
        '--from=alice@example.org',
        'bob@postern.test',
      ],
      { input: 'Subject: hello\n\nhello\n' },
    )

  test('logs in by SCRAM-SHA-256 with an account of ours', async () => {
    expect(await send('alice@example.org', password, 'scram-sha-256')).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect((await send('alice@example.org', 'wrong', 'scram-sha-256')).stderr).toContain(
      '535 5.7.8',
    )
    expect((await send('mallory', password, 'scram-sha-256')).stderr).toContain('535 5.7.8')
  })

  test('logs in by CRAM-MD5 with a checkpassword program', async () => {
    expect(await send('joe', 'secret', 'cram-md5')).toMatchObject({ code: 0, stderr: '' })
    expect((await send('joe', 'wrong', 'cram-md5')).stderr).toContain('535 5.7.8')
  })
})

describe.skipIf(isMissing('swaks') || isMissing('perl'))('swaks', () => {
  test.each([
    ['PLAIN', 'md5', password, 0],
    ['LOGIN', 'bcrypt', password, 0],
    ['LOGIN', 'bcrypt', 'wrong', 28],
  ])('logs in by %s as %s with %s: exit code %d', async (mechanism, user, pass, code) => {
    const run = await runProgram(component('swaks')?.path ?? '', [
      `--server=127.0.0.1:${gateway.port}`,
      '--tls',
      '--auth',
      mechanism,
      '--auth-user',
      user,
      '--auth-password',
      pass,
      '--from',
      'alice@example.org',
      '--to',
      'bob@postern.test',
    ])
    expect(run.code).toBe(code)
  })
})

describe.skipIf(isMissing('curl') || isMissing('perl'))('curl', () => {
  test.each([
    ['PLAIN', 'sha256', password, 0],
    ['LOGIN', 'des', password, 0],
    ['CRAM-MD5', 'joe', 'secret', 0],
    ['PLAIN', 'sha256', 'wrong', 67],
  ])('logs in by %s as %s with %s: exit code %d', async (mechanism, user, pass, code) => {
    const run = await runProgram(
      component('curl')?.path ?? '',
      [
        '--silent',
        '--ssl-reqd',
        '--insecure',
        '--user',
        `${user}:${pass}`,
        '--login-options',
        `AUTH=${mechanism}`,
        `smtp://127.0.0.1:${gateway.port}/client.test`,
        '--mail-from',
        'alice@example.org',
        '--mail-rcpt',
        'bob@postern.test',
        '--upload-file',
        '-',
      ],
      { input: 'Subject: hello\r\n\r\nhello\r\n' },
    )
    expect(run.code).toBe(code)
  })
})
