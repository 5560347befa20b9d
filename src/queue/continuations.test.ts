import { describe, expect, test } from 'vitest'
import { bytesOf, spoolPath, spoolUnderTest } from '../../test/fixtures/spool.ts'
import { continuationVariable, isSenderOf } from '../formats/continuation-token.ts'
import type { QmailEnvelope } from '../formats/qmail-queue-protocol.ts'
import { parseMailbox } from '../mail/address.ts'
import type { Continuation } from '../runtime/continuations.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import type { FakeDisk } from '../testkit/fake-disk.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { claimContinuation, spoolContinuations } from './continuations.ts'
import { HandOver } from './hand-over.ts'

const envelope = { sender: 'alice@client.test', recipients: ['bob@a.test', 'carol@b.test'] }
const folder = `${spoolPath}/continuing`

async function stage() {
  const { queue, disk } = await spoolUnderTest()
  await queue.close()
  const clock = fakeClock()
  const parts = { disk, clock, random: seededRandom(3), path: spoolPath, variables: new Map() }
  return { disk, clock, parts, continuations: spoolContinuations(parts) }
}

const tokenOf = ({ variables }: Continuation): string => variables.get(continuationVariable) ?? ''

/** What qmail-queue does with a message, the program's. */
async function bring(disk: FakeDisk, token: string, brought: QmailEnvelope, text: string) {
  const handOver = await HandOver.begin({
    disk,
    clock: fakeClock(),
    random: seededRandom(text.length),
    path: spoolPath,
  })
  await handOver.write(Buffer.from(`Received: (qmail 1 invoked by uid 2); now\r\n${text}`))
  const { claim, ...more } = await claimContinuation({ disk, path: spoolPath }, token, brought)
  if ('path' in more) {
    const recipients = brought.recipients.map((each) => ({ mailbox: parseMailbox(each)! }))
    const bodyType = handOver.eightBit ? '8bitmime' : '7bit'
    await handOver.handBack(
      { reversePath: null, recipients, bodyType, smtputf8: false, requireTls: false },
      more.path,
    )
  } else await handOver.abort()
  return claim
}

describe('a message that a program brings back', () => {
  test.each([
    ['small', 'Subject: x\r\n\r\nhello \u00e9\r\n'],
    ['with a long header', `X-Long: ${'a'.repeat(200_000)}\r\n\r\nbody\r\n`],
    ['without a header', '\r\nbody\r\n'],
    ['without anything', ''],
  ])('comes byte by byte, without the line of its own qmail-queue: %s', async (_, text) => {
    const { disk, continuations } = await stage()
    const offer = await continuations.offer(envelope)
    const { recipients } = envelope
    expect(await bring(disk, tokenOf(offer), { ...envelope, recipients }, text)).toBe('granted')
    const back = await offer.take()
    expect(back?.recipients).toEqual([0, 1])
    expect((await bytesOf(back!.message)).toString()).toBe(text)
    expect(back?.message.eightBit).toBe(text.includes('\u00e9'))
    await offer.drop()
    await offer.drop()
    expect(await disk.list(folder)).toEqual([])
  })

  test('may be for some of the recipients, in any case of letters', async () => {
    const { disk, continuations } = await stage()
    const offer = await continuations.offer(envelope)
    const brought = { sender: 'Alice@CLIENT.test', recipients: ['CAROL@b.test'] }
    expect(await bring(disk, tokenOf(offer), brought, 'x')).toBe('granted')
    expect((await offer.take())?.recipients).toEqual([1])
  })

  test.each([
    ['of another sender', { ...envelope, sender: 'scanner@host.test' }],
    ['for somebody else', { ...envelope, recipients: ['bob@a.test', 'eve@c.test'] }],
  ])('is a message of its own where it is one %s', async (_, brought) => {
    const { disk, continuations } = await stage()
    const offer = await continuations.offer(envelope)
    expect(await bring(disk, tokenOf(offer), brought, 'x')).toBe('other')
    expect(await offer.take()).toBeUndefined()
  })

  test('comes once: a second one of the same envelope is a message of its own', async () => {
    const { disk, continuations } = await stage()
    const offer = await continuations.offer(envelope)
    expect(await bring(disk, tokenOf(offer), envelope, 'first')).toBe('granted')
    expect(await bring(disk, tokenOf(offer), envelope, 'second one')).toBe('other')
    expect((await bytesOf((await offer.take())!.message)).toString()).toBe('first')
  })

  test('is not taken from who comes when the program is over, with or without a gateway since', async () => {
    const { disk, continuations } = await stage()
    const offer = await continuations.offer(envelope)
    expect(await offer.take()).toBeUndefined()
    expect(await bring(disk, tokenOf(offer), envelope, 'late')).toBe('late')
    await offer.drop()
    expect(await bring(disk, tokenOf(offer), envelope, 'later')).toBe('late')
    const notice = { sender: '', recipients: ['admin@a.test'] }
    expect(await bring(disk, tokenOf(offer), notice, 'a notice')).toBe('other')
  })

  test('of whom the bringer was stopped halfway is a fault, not a mail that was kept', async () => {
    const { disk, continuations } = await stage()
    const offer = await continuations.offer(envelope)
    await claimContinuation({ disk, path: spoolPath }, tokenOf(offer), envelope)
    await expect(offer.take()).rejects.toMatchObject({ code: 'PROGRAM_FAILED' })
    await offer.drop()
    expect(await disk.list(folder)).toEqual([])
  })

  test('and that nobody took is forgotten when it is old', async () => {
    const { disk, clock, parts, continuations } = await stage()
    await bring(disk, tokenOf(await continuations.offer(envelope)), envelope, 'x')
    await continuations.offer(envelope)
    expect(await disk.list(folder)).toHaveLength(3)
    clock.advance(36 * 3_600_000)
    const [now] = [await spoolContinuations(parts).offer(envelope)]
    expect(await disk.list(folder)).toEqual([`${tokenOf(now)}.offer`])
  })
})

test('a token tells its sender from others, and no address from itself', () => {
  const token = `000abc123-0123456789abcdef-${'0'.repeat(16)}`
  expect(isSenderOf(token, 'alice@client.test')).toBe(false)
})
