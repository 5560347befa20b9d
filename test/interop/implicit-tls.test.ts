/** TLS from the first byte, several certificates, certificates of clients, with programs that nobody here wrote. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tlsIdentity } from '../../src/testkit/tls-identity.ts'
import {
  checkout,
  delivered,
  eventually,
  gatewayFolder,
  runProgram,
  startGateway,
  type GatewayFolder,
  type Run,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'

const listeners = `listeners:
  - name: mx
    listen: 127.0.0.1:0
  - name: smtps
    listen: 127.0.0.1:0
    tls: implicit
    certificate: first.pem
    key: first.key
    certificates:
      - { certificate: second.pem, key: second.key }
    client_certificates: { ca: clients.pem }
  - name: partners
    listen: 127.0.0.1:0
    tls: implicit
    certificate: first.pem
    key: first.key
    client_certificates: { ca: clients.pem, required: true }
`

const first = tlsIdentity(['mx.postern.test'])
const second = tlsIdentity(['*.second.test'])
const client = tlsIdentity(['relay.client.test'])
const postern = join(checkout, 'bin/postern')
let gateway: StartedGateway

beforeAll(async () => {
  const folder = await gatewayFolder()
  await writeIdentity(folder, 'first', first)
  await writeIdentity(folder, 'second', second)
  await writeIdentity(folder, 'clients', client)
  const sample = await folder.read('postern.yaml')
  await folder.write('postern.yaml', sample.replace(/listeners:\n(?: .*\n)+/, listeners))
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

async function writeIdentity(folder: GatewayFolder, name: string, pem: typeof first) {
  await folder.write(`${name}.pem`, pem.certificate)
  await folder.write(`${name}.key`, pem.key)
}

const mailTo = (localPart: string) => delivered(gateway.folder, [localPart, 'postern.test'])

const opensslClient = (name: string, ...options: string[]): Promise<Run> =>
  runProgram(
    component('openssl')!.path,
    ['s_client', '-crlf', '-quiet', ...options, '-connect', `127.0.0.1:${gateway.portOf(name)}`],
    { input: 'QUIT\r\n' },
  )

const subjectShown = async (...options: string[]): Promise<string | undefined> => {
  const run = await runProgram(
    component('openssl')!.path,
    ['s_client', ...options, '-connect', `127.0.0.1:${gateway.portOf('smtps')}`],
    { input: '' },
  )
  return /subject=(.*)/.exec(run.stdout)?.[1]
}

describe.skipIf(isMissing('openssl'))('openssl s_client', () => {
  test('is greeted after the handshake', async () => {
    expect((await opensslClient('smtps')).stdout).toMatch(
      /^220 postern\.test ESMTP\r\n221 2\.0\.0 /,
    )
  })

  test('is shown the certificate of the name that it asks for, else the first', async () => {
    expect(await subjectShown('-noservername')).toBe('CN = mx.postern.test')
    expect(await subjectShown('-servername', 'a.second.test')).toBe('CN = *.second.test')
    expect(await subjectShown('-servername', 'third.test')).toBe('CN = mx.postern.test')
  })

  test('gets no session without the certificate that is required', async () => {
    const { config } = gateway.folder
    const own = (name: string) => [
      '-cert',
      join(config, `${name}.pem`),
      '-key',
      join(config, `${name}.key`),
    ]
    expect((await opensslClient('partners', ...own('clients'))).stdout).toContain(
      '220 postern.test',
    )
    expect((await opensslClient('partners', ...own('first'))).stdout).not.toContain('220')
    expect((await opensslClient('partners')).stdout).not.toContain('220')
  })
})

describe.skipIf(isMissing('curl'))('curl', () => {
  test('delivers over smtps:// and verifies the certificate', async () => {
    const run = await runProgram(
      component('curl')!.path,
      [
        '--silent',
        '--show-error',
        '--cacert',
        join(gateway.folder.config, 'first.pem'),
        '--resolve',
        `mx.postern.test:${gateway.portOf('smtps')}:127.0.0.1`,
        `smtps://mx.postern.test:${gateway.portOf('smtps')}/client.test`,
        '--mail-from',
        'alice@client.test',
        '--mail-rcpt',
        'curl@postern.test',
        '--upload-file',
        '-',
      ],
      { input: 'Subject: over smtps\r\n\r\nhello\r\n' },
    )
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const [mail = ''] = await mailTo('curl')
    expect(mail).toContain('Subject: over smtps\n')
    expect(mail).toMatch(/ with ESMTPS id /)
  })
})

describe.skipIf(isMissing('python3'))("Python's SMTP_SSL", () => {
  test('delivers, with a certificate of its own', async () => {
    const { config } = gateway.folder
    const script = `
import smtplib, ssl
context = ssl.create_default_context(cafile='${config}/first.pem')
context.check_hostname = False
context.load_cert_chain('${config}/clients.pem', '${config}/clients.key')
server = smtplib.SMTP_SSL('127.0.0.1', ${gateway.portOf('partners')}, context=context)
server.ehlo('client.test')
assert not server.has_extn('starttls')
server.sendmail('alice@client.test', ['python@postern.test'], 'Subject: python\\r\\n\\r\\nhello\\r\\n')
server.quit()
`
    const run = await runProgram(component('python3')!.path, ['-c', script])
    expect(run.stderr).toBe('')
    expect((await mailTo('python')).join('')).toContain('Subject: python\n')
  })
})

describe.skipIf(isMissing('openssl'))('a renewed certificate', () => {
  test('is shown by the next handshake; one that does not fit keeps the old, and says why', async () => {
    const { folder } = gateway
    const renewed = tlsIdentity(['renewed.test'])
    await folder.write('first.pem', renewed.certificate)
    await gateway.seen('is not the key of the certificate')
    expect(gateway.stderr()).toMatch(
      /config\.kept.*listeners\[1\]\.key: is not the key of the certificate/,
    )
    expect(await subjectShown('-noservername')).toBe('CN = mx.postern.test')
    await folder.write('first.key', renewed.key)
    expect(await comesToBeShown('CN = renewed.test')).toBe('CN = renewed.test')
  })

  test('is followed under a name that the configuration did not have at the start', async () => {
    const { folder } = gateway
    const yaml = await folder.read('postern.yaml')
    await writeIdentity(folder, 'third', tlsIdentity(['third.test']))
    await folder.write('postern.yaml', yaml.replaceAll('first.', 'third.'))
    expect(await comesToBeShown('CN = third.test')).toBe('CN = third.test')
    await writeIdentity(folder, 'third', tlsIdentity(['third-renewed.test']))
    expect(await comesToBeShown('CN = third-renewed.test')).toBe('CN = third-renewed.test')
  })

  const comesToBeShown = (subject: string): Promise<string> =>
    eventually(async () => {
      const shown = await subjectShown('-noservername')
      return shown === subject ? shown : undefined
    }, subject)
})

describe.skipIf(isMissing('openssl'))('a listener that names no certificate', () => {
  test('offers STARTTLS with one that was made at the first start', async () => {
    const path = join(gateway.folder.root, 'var/tls/postern.test.pem')
    expect(gateway.stdout()).toContain(`TLS with a self-signed certificate: ${path}`)
    const run = await runProgram(
      component('openssl')!.path,
      ['s_client', '-starttls', 'smtp', '-CAfile', path, '-verify_return_error', '-connect'].concat(
        `127.0.0.1:${gateway.port}`,
        '-verify_hostname',
        'postern.test',
      ),
      { input: 'QUIT\r\n' },
    )
    expect(run.stdout).toContain('Verify return code: 0 (ok)')
    expect(run.stdout).toMatch(/subject=CN = postern\.test/)
  })

  test('shows the same one after a restart', async () => {
    const folder = await gatewayFolder()
    const path = join(folder.root, 'var/tls/postern.test.pem')
    const starts: string[] = []
    for (let start = 0; start < 2; start++) {
      // oxlint-disable no-await-in-loop -- one start after the other
      const started = await startGateway(folder)
      await started.stop()
      starts.push(await folder.read(path))
      // oxlint-enable no-await-in-loop
    }
    expect(starts[1]).toBe(starts[0])
    await folder.remove()
  })
})

describe('postern check', () => {
  test('names file, line and remedy where a key is not that of its certificate', async () => {
    const folder = await gatewayFolder()
    await writeIdentity(folder, 'first', { certificate: first.certificate, key: second.key })
    const sample = await folder.read('postern.yaml')
    const tls = '    certificate: first.pem\n    key: first.key\n'
    const yaml = sample.replace('    listen: 127.0.0.1:0\n', `    listen: 127.0.0.1:0\n${tls}`)
    await folder.write('postern.yaml', yaml)
    const line = yaml.split('\n').indexOf('    key: first.key') + 1
    const run = await runProgram(postern, ['check', '--config', folder.config])
    expect(run.code).toBe(1)
    expect(`${run.stdout}${run.stderr}`).toContain(
      `postern.yaml:${line}: listeners[0].key: is not the key of the certificate; name the key that`,
    )
    await folder.remove()
  })

  test('says nothing of a certificate that is to be made', async () => {
    const folder = await gatewayFolder()
    await writeFile(join(folder.config, 'tcp.smtp'), ':allow\n')
    const run = await runProgram(postern, ['check', '--config', folder.config])
    expect(run.code).toBe(0)
    await folder.remove()
  })
})
