/** Mail from one gateway to another under a TLS policy, with real certificates. */
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  gatewayFolder,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

async function folderWith(changes: readonly (readonly [string, string])[]): Promise<GatewayFolder> {
  const folder = await gatewayFolder()
  for (const name of ['mx.test.pem', 'mx.test.key']) {
    await cp(join(checkout, 'test/fixtures/tls', name), join(folder.config, name))
  }
  let yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
  for (const [from, to] of changes) yaml = yaml.replace(from, to)
  await folder.write('postern.yaml', yaml)
  return folder
}

let there: StartedGateway
let here: StartedGateway

beforeAll(async () => {
  const listen = '    listen: 127.0.0.1:0\n'
  there = await startGateway(
    await folderWith([[listen, `${listen}    certificate: mx.test.pem\n    key: mx.test.key\n`]]),
  )
  const folder = await folderWith([
    [
      'delivery:\n',
      `delivery:
  routes:
    postern.test: smtp:localhost:${there.port}
    other.test: smtp:127.0.0.1:${there.port}
  tls:
    localhost: verify mx.test
    127.0.0.1: verify mx.else.test
  tls_ca: mx.test.pem
`,
    ],
  ])
  await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
  here = await startGateway(folder)
})

afterAll(async () => {
  for (const gateway of [here, there]) {
    await gateway.stop()
    await gateway.folder.remove()
  }
})

const send = (to: string) =>
  createTransport({ host: '127.0.0.1', port: here.port, ignoreTLS: true }).sendMail({
    from: 'alice@client.test',
    to,
    text: 'under seal',
  })

describe('a next hop that must be verified', () => {
  test('gets mail by TLS where its certificate has the right name', async () => {
    await send('bob@postern.test')
    const [mail = ''] = await delivered(there.folder, ['bob', 'postern.test'])
    expect(mail).toMatch(/with ESMTPS id/)
  })

  test('gets none where it has another: the mail waits', async () => {
    await send('bob@other.test')
    await here.seen('"4.7.5"')
    await expect.poll(() => here.stderr()).toContain('smtp.tls_failed')
  })
})
