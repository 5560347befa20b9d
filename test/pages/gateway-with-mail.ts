/**
 * A gateway as an operator has it after a while: mail that was accepted, refused, held, and some that waits for a next hop
 * which says nasty things. Everything in it that a stranger may choose tries to become HTML.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import type { Entry } from '../../src/queue/queue.ts'
import { readSpool } from '../../src/queue/read-spool.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import {
  checkout,
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { freePort } from '../setup/free-port.ts'

/** Runs wherever it is taken for HTML; `x` is asked for wherever it is taken for a picture. */
export const script = '<img src=//evil.test/x onerror=alert(1)>'

const yaml = (port: number): string => `
admin:
  listen: 127.0.0.1:${port}
  requests_per_minute: 10000
listeners:
  - { name: mx, listen: '127.0.0.1:2525' }
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
chain:
  # Who may relay, and what is ours.
  - plugin: relay-clients
    options: { networks: [] }
  - plugin: lists # allow and block
  - plugin: rcpthosts
  - plugin: mailboxes
    mode: off
  - plugin: badmailfrom # control/badmailfrom
  - plugin: greylist
    mode: shadow
  - plugin: rate-limit
    mode: shadow
    options: { client: 1000/h }
  - plugin: attachments
    options: { rules: [quarantine extension exe] }
  - plugin: pupil # learns, and says so in the log
log: { level: info, to: ../var/postern.log }
`

export interface GatewayWithMail {
  readonly folder: GatewayFolder
  /** Where its pages are. */
  readonly origin: string
  /** The one-time link of the first start. */
  readonly setupLink: string
  gateway(): StartedGateway
  readonly send: (letter: Letter) => Promise<readonly string[]>
  /** The first that is meant, as it lies in the spool. */
  spooled(isMeant: (entry: Entry) => boolean): Promise<Entry | undefined>
  /** Waits until each message of that sender has been tried: one that just is cannot be bounced. */
  triedAll(localPart: string): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
  /** For good. */
  remove(): Promise<void>
}

export interface Letter {
  readonly from?: string
  readonly to?: string
  readonly subject?: string
  /** The From field. */
  readonly sender?: string
  /** The name of what is attached. */
  readonly attached?: string
  readonly hello?: string
  /** So many alike, by one session. */
  readonly times?: number
}

export async function gatewayWithMail(): Promise<GatewayWithMail> {
  const hop = await rudeHop()
  const port = await freePort()
  const folder = await gatewayFolder(yaml(port))
  await folder.write('control/rcpthosts', 'postern.test\nslow.test\n')
  await folder.write('control/smtproutes', `slow.test:127.0.0.1:${hop.port}\n`)
  await folder.write('control/badmailfrom', '@bad.test\n')
  await folder.write('tcp.smtp', '127.0.0.1:allow,GREETDELAY="0"\n192.0.2.:deny\n:allow\n')
  let running = await startGateway(folder)
  await running.seen('administration:')
  const setupLink = /https?:\/\/\S+setup\S+/.exec(running.stdout())?.[0] ?? ''
  const spooled = async (isMeant: (entry: Entry) => boolean): Promise<Entry | undefined> => {
    for await (const entry of readSpool(systemDisk, join(folder.root, 'var/spool'))) {
      if (!('damaged' in entry) && isMeant(entry)) return entry
    }
    return undefined
  }
  const sent = (letter: Letter): Promise<readonly string[]> => send(running.port, letter)
  return {
    folder,
    origin: `http://127.0.0.1:${port}`,
    setupLink,
    gateway: () => running,
    send: sent,
    spooled,
    async triedAll(localPart) {
      await eventually(async () => {
        const isUntried = ({ envelope, tries }: Entry): boolean =>
          envelope.reversePath?.localPart === localPart && tries === 0
        return (await spooled(isUntried)) === undefined ? true : undefined
      }, `a try of each message of ${localPart}`)
    },
    async stop() {
      await running.stop()
    },
    async start() {
      running = await startGateway(folder)
      await running.seen('administration:')
    },
    async remove() {
      await running.stop()
      hop.close()
      await folder.remove()
    },
  }
}

/** One of each kind, and waits until what must be known of them is known. */
export async function fillWithMail({ send: post, folder }: GatewayWithMail): Promise<void> {
  await post({ subject: 'An ordinary letter' })
  await post({ from: 'spammer@bad.test' })
  await post({ to: 'nobody@elsewhere.test' })
  await post({
    subject: `${script} you have won`,
    sender: `"${script}" <eve@else.test>`,
    attached: `${script}.exe`,
    from: `"<svg/onload=alert(2)>"@else.test`,
    hello: '[127.0.0.1]',
  })
  await post({ to: 'cid@slow.test', subject: script })
  await delivered(folder, ['bob', 'postern.test'])
}

function send(port: number, letter: Letter): Promise<readonly string[]> {
  const { from = 'ann@else.test', to = 'bob@postern.test', hello = 'client.test' } = letter
  const transactions = Array.from({ length: letter.times ?? 1 }, () => [
    `MAIL FROM:<${from}>`,
    `RCPT TO:<${to}>`,
    'DATA',
    `${messageOf(letter)}\r\n.`,
  ])
  return dialogue(port, [`EHLO ${hello}`, ...transactions.flat(), 'QUIT'])
}

function messageOf({
  subject = 'Hello',
  sender = 'Ann <ann@else.test>',
  attached,
}: Letter): string {
  const header = [
    `From: ${sender}`,
    'To: bob@postern.test',
    `Subject: ${subject}`,
    'Date: Sat, 21 Nov 2026 12:00:00 +0000',
    'Message-ID: <1@else.test>',
    'MIME-Version: 1.0',
  ]
  if (attached === undefined) return [...header, '', 'Hello Bob.'].join('\r\n')
  return [
    ...header,
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/html',
    '',
    `<p>Click <a href="http://evil.test/">here</a> ${script}<script>alert(3)</script></p>`,
    '--b',
    'Content-Type: application/octet-stream',
    `Content-Disposition: attachment; filename="${attached}"`,
    '',
    'MZ and so on',
    '--b--',
  ].join('\r\n')
}

/** A next hop that never takes mail, and says so in HTML. */
async function rudeHop(): Promise<{ readonly port: number; close(): void }> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('220 rude.test\r\n')
    socket.on('data', (bytes) => {
      const said = /^(?:EHLO|HELO)/i.test(bytes.toString()) ? '250 rude.test' : `451 ${script}`
      socket.write(`${said}\r\n`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}
