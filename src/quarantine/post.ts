/** A short mail of our own, through the queue's front door, with the null reverse-path: nobody answers it with a bounce. */
import { isAscii } from 'node:buffer'
import { plainLine } from '../formats/plain-line.ts'
import { formatMailbox, type Mailbox } from '../mail/address.ts'
import { formatField } from '../mail/header-field.ts'
import { quotedPrintable } from '../mail/quoted-printable.ts'
import { formatDate } from '../mail/trace-fields.ts'
import type { Queue } from '../queue/queue.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'

export interface PostDoors {
  readonly queue: Pick<Queue, 'begin'>
  readonly clock: Clock
  readonly random: Random
}

export interface Letter {
  /** Our own name. */
  readonly hostname: string
  readonly from: Mailbox
  readonly to: Mailbox
  readonly subject: string
  /** Lines without their ends. */
  readonly text: readonly string[]
  /** RFC 3834 §5: an answer to one message, or not. */
  readonly kind: 'auto-replied' | 'auto-generated'
  /** Who writes; the quarantine where absent. */
  readonly program?: string
}

/** What the envelope calls the sender: should the letter fail, nobody is told. */
const nobody = '#@[]'

/** @throws PosternError what the queue throws: then nothing was sent */
export async function post({ queue, clock, random }: PostDoors, letter: Letter): Promise<void> {
  const { hostname, from, to, kind, program = 'quarantine' } = letter
  const now = clock.now()
  const id = Buffer.from(random.bytes(8)).toString('hex')
  const text = Buffer.from(letter.text.map((line) => `${plainLine(line)}\r\n`).join(''))
  // A hop without 8BITMIME would not take it, and nobody would hear of that.
  const isPlain = isAscii(text)
  const fields = [
    ['Date', formatDate(now)],
    ['From', `Postern ${program} <${formatMailbox(from)}>`],
    ['To', formatMailbox(to)],
    ['Subject', encoded(letter.subject)],
    ['Message-ID', `<${program}.${now}.${id}@${hostname}>`],
    ['Auto-Submitted', kind],
    ['MIME-Version', '1.0'],
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Transfer-Encoding', isPlain ? '7bit' : 'quoted-printable'],
  ] as const
  const head = fields.map(([name, value]) => formatField(name, value)).join('')
  const body = isPlain ? text.toString('latin1') : quotedPrintable(text)
  const draft = queue.begin()
  try {
    await draft.write(Buffer.from(`${head}\r\n${body}`))
    const message = await draft.end()
    await draft.commit([
      {
        disposition: 'deliver',
        headerEdits: [],
        envelope: {
          reversePath: null,
          recipients: [{ mailbox: to, notify: ['never'] }],
          bodyType: message.eightBit ? '8bitmime' : '7bit',
          smtputf8: !isAscii(Buffer.from(formatMailbox(to))),
          requireTls: false,
          user: nobody,
        },
      },
    ])
  } finally {
    draft.abort()
  }
}

/** RFC 2047: so many bytes fit into an encoded-word of 75 characters. */
const wordBytes = 42

function encoded(text: string): string {
  const plain = plainLine(text)
  if (isAscii(Buffer.from(plain))) return plain
  const words: string[] = []
  let word = ''
  for (const character of plain) {
    if (Buffer.byteLength(word + character) > wordBytes) {
      words.push(word)
      word = ''
    }
    word += character
  }
  return [...words, word]
    .map((each) => `=?UTF-8?B?${Buffer.from(each).toString('base64')}?=`)
    .join(' ')
}
