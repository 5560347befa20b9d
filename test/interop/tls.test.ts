/** STARTTLS with clients that nobody here wrote. */
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  dialogue,
  gatewayFolder,
  runProgram,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'

let gateway: StartedGateway

beforeAll(async () => {
  const folder = await gatewayFolder()
  for (const name of ['mx.test.pem', 'mx.test.key']) {
    await cp(join(checkout, 'test/fixtures/tls', name), join(folder.config, name))
  }
  const yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
  await folder.write(
    'postern.yaml',
    yaml.replace(
      '    listen: 127.0.0.1:0\n',
      '    listen: 127.0.0.1:0\n    certificate: mx.test.pem\n    key: mx.test.key\n',
    ),
  )
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

const mailTo = (localPart: string) => delivered(gateway.folder, [localPart, 'postern.test'])

describe.skipIf(isMissing('swaks'))('swaks', () => {
  test('sends over STARTTLS, and the trace field says ESMTPS', async () => {
    const run = await runProgram(component('swaks')!.path, [
      '--server',
      `127.0.0.1:${gateway.port}`,
      '--tls',
      '--from',
      'alice@client.test',
      '--to',
      'swaks@postern.test',
      '--body',
      'encrypted',
    ])
    expect(run.stdout).toContain('TLS started')
    expect(run.code).toBe(0)
    expect((await mailTo('swaks')).join('')).toMatch(/ with ESMTPS id /)
  })
})

describe.skipIf(isMissing('openssl'))('openssl s_client', () => {
  test('is shown the certificate of the listener', async () => {
    const run = await runProgram(
      component('openssl')!.path,
      ['s_client', '-starttls', 'smtp', '-crlf', '-connect', `127.0.0.1:${gateway.port}`],
      { input: 'QUIT\r\n' },
    )
    expect(run.stdout).toMatch(/subject=.*mx\.test/)
    expect(run.stdout).toMatch(/TLSv1\.3/)
  })
})

describe('nodemailer', () => {
  test('sends over STARTTLS when it requires it', async () => {
    const transport = createTransport({
      host: '127.0.0.1',
      port: gateway.port,
      requireTLS: true,
      tls: { rejectUnauthorized: false },
    })
    await transport.sendMail({ from: 'a@client.test', to: 'nodemailer@postern.test', text: 'x' })
    expect((await mailTo('nodemailer')).join('')).toMatch(/ with ESMTPS id /)
  })
})

test('what a client sends behind STARTTLS in the clear is never obeyed', async () => {
  const replies = await dialogue(gateway.port, [
    'EHLO c',
    'STARTTLS\r\nMAIL FROM:<injected@client.test>',
  ])
  expect(replies[1]).toContain('STARTTLS')
  expect(replies.slice(2)).toEqual([expect.stringMatching(/^220 2\.0\.0/)])
})
