/** Sends one message by SMTP, as any client would: for `postern send`. */
import { isAscii } from 'node:buffer'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import { formatField } from '../mail/header-field.ts'
import type { Message } from '../mail/message.ts'
import { formatPath, type Mailbox } from '../mail/address.ts'
import { formatDate } from '../mail/trace-fields.ts'
import { smtpTransport } from '../delivery/transport/smtp.ts'
import { memoryBody, StoredMessage } from '../queue/stored-message.ts'
import { systemClock } from '../runtime/node/clock.ts'
import type { Dns } from '../runtime/dns.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { silentLog } from './silent-log.ts'
import { watchedNet, type LineWatcher } from './watched-net.ts'

export interface Sending {
  readonly host: string
  readonly port: number
  readonly reversePath: Mailbox | null
  readonly recipients: readonly Mailbox[]
  readonly subject: string
  readonly text: string
  readonly helloName: string
  readonly dns: Dns
  readonly watch?: LineWatcher
}

/** @returns one result for each recipient */
export async function sendMessage(sending: Sending): Promise<readonly DeliveryResult[]> {
  const { host, port, reversePath, watch } = sending
  const transport = smtpTransport({
    net: watch === undefined ? nodeNet : watchedNet(nodeNet, watch),
    dns: sending.dns,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    settings: () => ({ helloName: sending.helloName }),
    pool: () => ({ idleMs: 0 }),
  })
  const recipients = sending.recipients.map((mailbox) => ({ mailbox }))
  const message = testMessage(sending)
  return transport.deliver(
    {
      queueId: 'send',
      message,
      envelope: {
        reversePath,
        recipients,
        bodyType: message.eightBit ? '8bitmime' : '7bit',
        smtputf8: false,
        requireTls: false,
      },
      recipients,
      route: { transport: 'smtp', key: host, lookup: 'host', host, port },
    },
    new AbortController().signal,
  )
}

function testMessage({ reversePath, recipients, subject, text, helloName }: Sending): Message {
  const id = Buffer.from(systemRandom.bytes(12)).toString('hex')
  const head = [
    formatField('Date', formatDate(systemClock.now())),
    formatField('From', formatPath(reversePath)),
    formatField('To', recipients.map((mailbox) => formatPath(mailbox)).join(', ')),
    formatField('Subject', subject),
    formatField('Message-ID', `<${id}@${helloName}>`),
    'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n',
  ].join('')
  const body = Buffer.from(`${text.replaceAll(/\r?\n/g, '\r\n')}\r\n`)
  return new StoredMessage(Buffer.from(head), memoryBody(body), !isAscii(body))
}
