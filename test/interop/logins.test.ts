/** Logins whose passwords nobody hears, with clients that nobody here wrote. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  gatewayFolder,
  runProgram,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'

let gateway: StartedGateway

beforeAll(async () => {
  const folder = await gatewayFolder(`listeners:
  - name: submission
    listen: 127.0.0.1:2525
chain:
  - plugin: secrets
    options: { stores: password }
  - plugin: secrets
    name: stored
    options: { user: bob, password: 'pen cil' }
  - plugin: digests
  - plugin: rcpthosts
plugin_dirs:
  - ../plugins
  - ${join(checkout, 'test/fixtures/plugins')}
receiver:
  starttls: required
`)
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

const mailTo = (localPart: string) => delivered(gateway.folder, [localPart, 'postern.test'])

describe.skipIf(isMissing('msmtp'))('msmtp', () => {
  const send = (mechanism: string, user: string, password: string) => {
    const own = join(gateway.folder.root, 'var/tls/postern.test.pem')
    return runProgram(
      component('msmtp')!.path,
      [
        '--file=/dev/null',
        '--host=127.0.0.1',
        `--port=${gateway.port}`,
        `--auth=${mechanism}`,
        `--user=${user}`,
        `--passwordeval=printf '%s' '${password}'`,
        '--tls=on',
        '--tls-starttls=on',
        `--tls-trust-file=${own}`,
        '--tls-host-override=postern.test',
        '--from=alice@client.test',
        '--domain=client.test',
        `${mechanism}-${user}@postern.test`,
      ],
      { input: `Subject: ${mechanism}\n\nhello\n` },
    )
  }

  test.each([
    ['scram-sha-256', 'alice', 'secret'],
    ['scram-sha-256', 'bob', 'pen cil'],
    ['cram-md5', 'alice', 'secret'],
    ['plain', 'bob', 'pen cil'],
    ['login', 'alice', 'secret'],
  ])('logs in by %s as %s', async (mechanism, user, password) => {
    expect(await send(mechanism, user, password)).toMatchObject({ code: 0, stderr: '' })
    const [mail = ''] = await mailTo(`${mechanism}-${user}`)
    expect(mail).toMatch(/ with ESMTPSA id /)
  })

  test.each([
    ['scram-sha-256', 'alice', 'wrong'],
    ['scram-sha-256', 'mallory', 'secret'],
    ['cram-md5', 'alice', 'wrong'],
    ['plain', 'bob', 'wrong'],
  ])('is refused by %s as %s with %s', async (mechanism, user, password) => {
    const run = await send(mechanism, user, password)
    expect(run.stderr).toContain('535 5.7.8')
    // EX_NOPERM
    expect(run.code).toBe(77)
  })
})

describe.skipIf(isMissing('python3'))("Python's smtplib", () => {
  test('logs in by CRAM-MD5', async () => {
    const script = `
import smtplib, ssl
server = smtplib.SMTP('127.0.0.1', ${gateway.port})
server.ehlo('client.test')
assert not server.has_extn('auth')
context = ssl._create_unverified_context()
server.starttls(context=context)
server.ehlo('client.test')
print(server.esmtp_features['auth'].strip())
server.user, server.password = 'alice', 'wrong'
try:
    print(server.auth('CRAM-MD5', server.auth_cram_md5))
except smtplib.SMTPAuthenticationError as error:
    print(error.smtp_code, error.smtp_error.decode())
server.password = 'secret'
print(server.auth('CRAM-MD5', server.auth_cram_md5))
server.sendmail('alice@client.test', ['python@postern.test'], 'Subject: x\\r\\n\\r\\nhello\\r\\n')
server.quit()
`
    const run = await runProgram(component('python3')!.path, ['-c', script])
    expect(run.stderr).toBe('')
    expect(run.stdout.split('\n')).toEqual([
      'PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256',
      '535 5.7.8 Authentication credentials invalid',
      "(235, b'2.7.0 Authentication successful')",
      '',
    ])
    expect((await mailTo('python')).join('')).toMatch(/ with ESMTPSA id /)
  })
})

const swaks = component('swaks')?.path
const swaksKnowsCram =
  swaks !== undefined &&
  execFileSync(swaks, ['--support'], { encoding: 'utf8', stdio: 'pipe' }).includes(
    'CRAM-MD5 supported',
  )

describe.skipIf(!swaksKnowsCram)('swaks', () => {
  test.each([
    ['CRAM-MD5', 'secret', 0],
    ['CRAM-MD5', 'wrong', 28],
    ['PLAIN', 'secret', 0],
    ['LOGIN', 'secret', 0],
  ])('logs in by %s with %s: exit code %d', async (mechanism, password, code) => {
    const run = await runProgram(swaks ?? '', [
      '--server',
      `127.0.0.1:${gateway.port}`,
      '--tls',
      '--auth',
      mechanism,
      '--auth-user',
      'alice',
      '--auth-password',
      password,
      '--from',
      'alice@client.test',
      '--to',
      'swaks@postern.test',
      '--body',
      mechanism,
    ])
    expect(run.code).toBe(code)
  })
})

describe.skipIf(isMissing('curl'))('curl', () => {
  test.each([
    ['CRAM-MD5', 'secret', 0],
    ['CRAM-MD5', 'wrong', 67],
    ['PLAIN', 'secret', 0],
  ])('logs in by %s with %s: exit code %d', async (mechanism, password, code) => {
    const run = await runProgram(
      component('curl')!.path,
      [
        '--silent',
        '--ssl-reqd',
        '--insecure',
        '--user',
        `alice:${password}`,
        '--login-options',
        `AUTH=${mechanism}`,
        `smtp://127.0.0.1:${gateway.port}/client.test`,
        '--mail-from',
        'alice@client.test',
        '--mail-rcpt',
        'curl@postern.test',
        '--upload-file',
        '-',
      ],
      { input: `Subject: ${mechanism}\r\n\r\nhello\r\n` },
    )
    expect(run.code).toBe(code)
  })
})
