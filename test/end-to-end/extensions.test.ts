/** Extensions of SMTP through a started gateway: what a client says arrives where it is needed. */
import { createTransport } from 'nodemailer'
import { expect, test } from 'vitest'
import type { Entry } from '../../src/queue/queue.ts'
import { queuedMessages } from '../../src/tools/read-spool.ts'
import {
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const chain = `
plugin_dirs: [../plugins]
chain:
  - plugin: relay-clients
    options: { networks: [127.0.0.0/8] }
  - plugin: rcpthosts
delivery: { maildirs: ../var/mail }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
log: { level: info, to: stderr }
`

async function withReceiver(
  receiver: string,
  work: (gateway: StartedGateway) => Promise<void>,
): Promise<void> {
  const folder = await gatewayFolder(
    `listeners: [{ name: mx, listen: '127.0.0.1:2525' }]\nreceiver: ${receiver}\n${chain}`,
  )
  // A next hop that nobody is at, so that mail stays where it can be looked at.
  await folder.write('control/smtproutes', 'elsewhere.test:127.0.0.1:1\n')
  const gateway = await startGateway(folder)
  try {
    await work(gateway)
  } finally {
    expect(await gateway.stop()).toBe(0)
    await folder.remove()
  }
}

/** The message that waits in the spool. */
const queued = (folder: GatewayFolder): Promise<Entry> =>
  eventually(async () => {
    for await (const each of queuedMessages(folder.config)) if ('envelope' in each) return each
    return undefined
  }, 'a queued message')

const toBob = ['EHLO client.test', 'MAIL FROM:<a@client.test>', 'RCPT TO:<bob@postern.test>']

test('a message in chunks arrives as it was sent', () =>
  withReceiver('{}', async ({ port, folder }) => {
    const replies = await dialogue(port, [
      ...toBob,
      'BDAT 26\r\nSubject: chunks\r\n\r\n.\r\n..',
      'BDAT 6 LAST\r\ntext',
    ])
    expect(replies.at(-2)).toBe('250 2.0.0 26 octets received')
    expect(replies.at(-1)).toMatch(/^250 2\.0\.0 Ok: queued as /)
    const [message] = await delivered(folder, ['bob', 'postern.test'])
    expect(message).toMatch(/\nSubject: chunks\n\n\.\n\.\.\ntext\n$/)
  }))

test('what DSN asks for lies in the queue with the message (RFC 3461)', () =>
  withReceiver('{}', async ({ port, folder }) => {
    const replies = await dialogue(port, [
      'EHLO client.test',
      'MAIL FROM:<a@client.test> RET=HDRS ENVID=QQ+2B314159',
      'RCPT TO:<bob@elsewhere.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@first.test',
      'RCPT TO:<eve@elsewhere.test> NOTIFY=NEVER',
      'DATA',
      'Subject: x\r\n\r\ntext\r\n.',
    ])
    expect(replies.at(-1)).toMatch(/^250 /)
    const { envelope } = await queued(folder)
    expect(envelope).toMatchObject({
      envelopeId: 'QQ+314159',
      returnContent: 'headers',
      recipients: [
        { notify: ['success', 'delay'], originalRecipient: 'rfc822;Bob+x@first.test' },
        { notify: ['never'] },
      ],
    })
  }))

test('nodemailer asks for reports as RFC 3461 says, and is understood', () =>
  withReceiver('{}', async ({ port, folder }) => {
    const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
    await transport.sendMail({
      from: 'alice@client.test',
      to: 'bob@elsewhere.test',
      subject: 'x',
      text: 'hello',
      dsn: {
        id: 'order 66+1=67',
        return: 'headers',
        notify: ['failure', 'delay'],
        recipient: 'alice@client.test',
      },
    })
    const { envelope } = await queued(folder)
    expect(envelope).toMatchObject({
      envelopeId: 'order 66+1=67',
      returnContent: 'headers',
      recipients: [{ notify: ['failure', 'delay'], originalRecipient: 'rfc822;alice@client.test' }],
    })
  }))

test('bare line ends are refused, or mended before anybody reads them', async () => {
  const message = ['DATA', 'Subject: bare\n\ntext\n.\nmore\r\n.']
  await withReceiver('{}', async ({ port }) => {
    expect((await dialogue(port, [...toBob, ...message])).at(-1)).toMatch(/^554 5\.6\.0 .*bare LF/)
  })
  await withReceiver('{ line_ends: fix }', async ({ port, folder }) => {
    expect((await dialogue(port, [...toBob, ...message])).at(-1)).toMatch(/^250 /)
    const [kept] = await delivered(folder, ['bob', 'postern.test'])
    expect(kept).toMatch(/\nSubject: bare\n\ntext\n\.\nmore\n$/)
  })
})

test('an extension that is switched off is neither offered nor understood', () =>
  withReceiver('{ extensions_off: [CHUNKING, DSN] }', async ({ port }) => {
    const [, ehlo, mail, bdat] = await dialogue(port, [
      'EHLO client.test',
      'MAIL FROM:<a@client.test> RET=FULL',
      'BDAT 0 LAST',
    ])
    expect(ehlo).not.toMatch(/CHUNKING|DSN/)
    expect(mail).toBe('555 5.5.4 Parameter RET not recognised')
    expect(bdat).toBe('502 5.5.1 Command not implemented')
  }))

test('an extension that there is not is a mistake with a remedy', async () => {
  const folder = await gatewayFolder(
    `listeners: [{ name: mx, listen: '127.0.0.1:2525' }]\nreceiver:\n  extensions_off: [CHUNKS]\n${chain}`,
  )
  try {
    const { code, stdout, stderr } = await runPostern(['check', '--config', folder.config])
    expect(code).not.toBe(0)
    expect(`${stdout}${stderr}`).toMatch(
      /postern\.yaml:3.*receiver\.extensions_off.*there is no extension "CHUNKS".*PIPELINING, SIZE/s,
    )
  } finally {
    await folder.remove()
  }
})
