import { describe, expect, test } from 'vitest'
import type { Message } from '../mail/message.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { placementOf, scriptedPolicy } from '../testkit/scripted-policy.ts'
import { settled, smtpStage, type SmtpStage } from '../testkit/smtp-stage.ts'

/** A receiver whose policy puts this message in the place of every other. */
async function stageWith(message: Message): Promise<SmtpStage> {
  const policy = scriptedPolicy({
    message: ({ transaction }) => ({
      ruling: 'commit',
      placements: [placementOf(transaction)],
      replacement: { message, receivedDigest: '', digest: '', release: () => undefined },
    }),
  })
  return smtpStage({ policy })
}

/** @returns the reply to a message that is replaced */
async function send(stage: SmtpStage): Promise<string> {
  const client = await stage.dial()
  client.send('EHLO c\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<b@mx.test>\r\nDATA\r\n')
  for (let count = 0; count < 5; count++) await client.reply()
  client.send('Subject: received\r\n\r\nreceived\r\n.\r\n')
  await settled()
  return client.reply()
}

describe('a message that is put in the place of the one received', () => {
  test('is what is committed, and no draft of the other is left', async () => {
    const text = `Subject: other\r\n\r\n${'other line\r\n'.repeat(20_000)}`
    const stage = await stageWith(memoryMessage(text))
    expect(await send(stage)).toMatch(/^250 2\.0\.0 /)
    expect(stage.queue.commits.map(({ message }) => message.text)).toEqual([text])
    expect(stage.queue.openDrafts).toBe(0)
  })

  test('has a header like any other: what claims to be ours in it goes, and our trace field stands above', async () => {
    const name = scriptedPolicy().settings.hostname
    const forged = `Authentication-Results: ${name}; spf=pass\r\nSubject: other\r\n\r\n`
    const stage = await stageWith(memoryMessage(forged))
    await send(stage)
    const edits = stage.queue.commits[0]?.placement.headerEdits
    expect(edits?.[0]).toMatchObject({ edit: 'remove', name: 'Authentication-Results', nth: 1 })
    expect(edits?.at(-1)).toMatchObject({ edit: 'prepend', name: 'Received' })
  })

  test('may have bytes that the client did not announce: the next hop is told', async () => {
    const stage = await stageWith(memoryMessage('Subject: other\r\n\r\n\u00fc\r\n'))
    await send(stage)
    expect(stage.queue.commits[0]?.placement.envelope.bodyType).toBe('8bitmime')
    const plain = await stageWith(memoryMessage('Subject: other\r\n\r\n'))
    await send(plain)
    expect(plain.queue.commits[0]?.placement.envelope.bodyType).toBe('7bit')
  })

  test('is not for everybody: the others get what was received, by the same commit', async () => {
    const replacement = { message: memoryMessage('Subject: other\r\n\r\nother\r\n') }
    const policy = scriptedPolicy({
      message: ({ transaction }) => ({
        ruling: 'commit',
        placements: [
          { ...placementOf(transaction), disposition: 'hold', asReceived: true },
          placementOf(transaction),
        ],
        replacement: { ...replacement, receivedDigest: '', digest: '', release: () => undefined },
      }),
    })
    const stage = await smtpStage({ policy })
    expect(await send(stage)).toMatch(/^250 2\.0\.0 /)
    const { commits, openDrafts } = stage.queue
    expect(commits.map(({ placement, message }) => [placement.disposition, message.text])).toEqual([
      ['hold', 'Subject: received\r\n\r\nreceived\r\n'],
      ['deliver', 'Subject: other\r\n\r\nother\r\n'],
    ])
    expect(openDrafts).toBe(0)
    stage.queue.refuseNextCommit('DISK_FAILED')
    expect(await send(stage)).toMatch(/^451 4\.3\.0 /)
    expect([stage.queue.commits.length, stage.queue.openDrafts]).toEqual([2, 0])
  })

  test('that cannot be read, or not be committed, is promised to nobody', async () => {
    const good = memoryMessage('Subject: other\r\n\r\n')
    const broken: Message = {
      ...good,
      header: good.header,
      // oxlint-disable-next-line require-yield -- it fails before it could
      async *read() {
        throw new Error('the file is gone')
      },
    }
    const unread = await stageWith(broken)
    expect(await send(unread)).toMatch(/^451 4\.3\.0 /)
    const full = await stageWith(good)
    full.queue.refuseNextCommit('DISK_FULL')
    expect(await send(full)).toMatch(/^452 4\.3\.1 /)
    for (const { queue } of [unread, full]) {
      expect(queue.commits).toEqual([])
      expect(queue.openDrafts).toBe(0)
    }
  })
})
