/**
 * Whatever two servers might read differently, at every cut of the wire: nothing that stands in a message is ever
 * executed as a command, and nothing that is kept could end a message for whoever is told it next.
 */
import { describe, expect, test } from 'vitest'
import { DataEncoder } from '../../src/delivery/transport/data-encoder.ts'
import {
  settled,
  smtpStage,
  type SmtpStage,
  type StageClient,
} from '../../src/testkit/smtp-stage.ts'
import type { ReceiverSettings } from '../../src/smtp/policy.ts'

/** Ends of data to somebody, each of them none by RFC 5321 §4.1.1.4. */
const notTheEnd = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\n.\r',
  '\r.\n',
  '\r\n.\0\r\n',
  '\r\n\0.\r\n',
  '\r\n.\r\0\n',
  '\r\n.\r\r\n',
  '\r\r\n.\r\r\n',
  '\n\n.\r\n',
  '\r\n.\n\r\n',
  '\n\r.\n\r',
  '\r\n\x0b.\r\n',
  '\r\n.\x0b\r\n',
  '\r\n. \r\n',
  '\r\n.\t\r\n',
  '\r\n\x1a\r\n',
  '\x85.\x85',
  '\xc2\x85.\xc2\x85',
  '\xe2\x80\xa8.\xe2\x80\xa8',
]

const smuggled = 'MAIL FROM:<smuggled@client.test>\r\nRCPT TO:<b@mx.test>\r\nDATA\r\nx'

const manners: readonly Partial<ReceiverSettings>[] = [
  { lineEnds: 'refuse', nul: 'refuse' },
  { lineEnds: 'fix', nul: 'fix' },
  { lineEnds: 'fix', nul: 'refuse' },
]

async function greeted(settings: Partial<ReceiverSettings>): Promise<[SmtpStage, StageClient]> {
  const stage = await smtpStage()
  stage.policy.settings = { ...stage.policy.settings, ...settings, maxErrors: 1_000_000 }
  const client = await stage.dial()
  await client.reply()
  client.send('EHLO client.test\r\n')
  await client.reply()
  return [stage, client]
}

/** Sends a message in DATA or in one chunk, cut at one offset or everywhere; gives the reply to it. */
async function sendMessage(
  client: StageClient,
  { content, by, cut }: { content: string; by: 'DATA' | 'BDAT'; cut: number | 'everywhere' },
): Promise<string> {
  client.send('MAIL FROM:<a@client.test>\r\nRCPT TO:<b@mx.test>\r\n')
  await client.reply()
  await client.reply()
  if (by === 'DATA') {
    client.send('DATA\r\n')
    await client.reply()
  }
  const wire = by === 'DATA' ? `${content}\r\n.\r\n` : `BDAT ${content.length} LAST\r\n${content}`
  if (cut === 'everywhere') for (const byte of wire) client.send(byte)
  else for (const piece of [wire.slice(0, cut), wire.slice(cut)]) client.send(piece)
  return client.reply()
}

describe.each(manners)('with line ends and NULs as %j says', (settings) => {
  describe.each(['DATA', 'BDAT'] as const)('a message by %s', (by) => {
    test.each(notTheEnd)('does not end on %j, at any cut', async (variant) => {
      const content = `Subject: x\r\n\r\ntext${variant}${smuggled}`
      const [stage, client] = await greeted(settings)
      const cuts = ['everywhere', ...Array.from(content, (_, at) => at)] as const
      for (const cut of cuts) {
        expect(await sendMessage(client, { content, by, cut })).toMatch(
          /^(?:250 2\.0\.0|554 5\.6\.0)/,
        )
      }
      await settled()
      expect(client.unread).toBe('')
      expect(stage.policy.history.filter((asked) => asked === 'mail').length).toBe(cuts.length)
      for (const { message } of stage.queue.commits) {
        const kept = Buffer.from(message.bytes).toString('latin1')
        expect(kept).not.toMatch(/\r(?!\n)|(?<!\r)\n|\0/)
        // Told to the next hop, it ends where it ends.
        const encoder = new DataEncoder()
        const sent = Buffer.concat([encoder.encode(message.bytes), encoder.end()])
        expect(sent.indexOf('\r\n.\r\n')).toBe(sent.length - 5)
      }
    })
  })
})

test('what is kept of a message by BDAT is what was sent, at every cut and in every two chunks', async () => {
  const content = 'Subject: x\r\n\r\n.\r\n..\r\nQUIT\r\n.\r\n\r\n'
  const [stage, client] = await greeted({})
  for (let at = 0; at <= content.length; at++) {
    client.send('MAIL FROM:<a@client.test>\r\nRCPT TO:<b@mx.test>\r\n')
    client.send(`BDAT ${at}\r\n${content.slice(0, at)}`)
    client.send(`BDAT ${content.length - at} LAST\r\n${content.slice(at)}`)
    for (const code of ['250 2.1.0', '250 2.1.5', '250 2.0.0', '250 2.0.0']) {
      expect(await client.reply()).toContain(code)
    }
    await sendMessage(client, { content, by: 'BDAT', cut: at })
  }
  const kept = stage.queue.commits.map(({ message }) => Buffer.from(message.bytes).toString())
  expect(kept.length).toBe(2 * (content.length + 1))
  expect(new Set(kept)).toEqual(new Set([content]))
})
