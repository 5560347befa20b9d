/** Mail for domains of ours that somebody else stores: into Dovecot by LMTP. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  delivered,
  eventually,
  gatewayFolder,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { isMissing } from '../setup/components.ts'
import { startDovecot, type Dovecot } from './dovecot.ts'

describe.skipIf(isMissing('dovecot'))("Dovecot's LMTP server", () => {
  let dovecot: Dovecot
  let gateway: StartedGateway

  beforeAll(async () => {
    dovecot = await startDovecot(['bob', 'cid', 'full'])
    const folder = await gatewayFolder()
    const yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
    await folder.write('postern.yaml', yaml.replace('delivery:\n', routes(dovecot)))
    await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
    gateway = await startGateway(folder)
  })

  afterAll(async () => {
    await gateway.stop()
    await dovecot.stop()
    await gateway.folder.remove()
  })

  const send = (to: readonly string[], text: string) =>
    createTransport({ host: '127.0.0.1', port: gateway.port, ignoreTLS: true }).sendMail({
      from: 'alice@postern.test',
      to: to.map((name) => `${name}@dovecot.test`),
      text,
    })
  const mailOf = (name: string, text: string) =>
    eventually(
      async () => (await dovecot.mailOf(name)).find((mail) => mail.includes(text)),
      `the mail of ${name}`,
    )

  test('stores a message for each recipient, with every dot', async () => {
    await send(['bob', 'cid'], '.first\n..second\nlast line')
    for (const name of ['bob', 'cid']) {
      expect(await mailOf(name, 'last line')).toContain('\n.first\n..second\nlast line')
    }
  })

  test('stores a large message whole, chunk by chunk', async () => {
    const line = `${'0123456789'.repeat(7)}\n`
    await send(['bob'], `${line.repeat(10_000)}the end`)
    const mail = await mailOf('bob', 'the end')
    expect(mail.split(line).length).toBe(10_001)
  })

  test('answers for each recipient: a mailbox without room and a user who does not exist bounce alone', async () => {
    await send(['bob', 'full', 'nobody'], 'to three')
    await mailOf('bob', 'to three')
    const [bounce = ''] = await delivered(gateway.folder, ['alice', 'postern.test'])
    expect(bounce).toMatch(/^Final-Recipient: rfc822; ?full@dovecot\.test$/m)
    expect(bounce).toMatch(/^Final-Recipient: rfc822; ?nobody@dovecot\.test$/m)
    expect(bounce).not.toMatch(/^Final-Recipient: rfc822; ?bob@/m)
    expect(bounce).toMatch(/^Status: 5\.2\.2$/m)
  })
})

function routes({ socket }: Dovecot): string {
  return `delivery:
  routes:
    dovecot.test: lmtp:${socket}
`
}
