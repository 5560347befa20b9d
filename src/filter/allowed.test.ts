/** Whom nothing should be held against: an entry that provides `allowed`, and those that ask for it in `unless`. */
import { describe, expect, test } from 'vitest'
import { allowed, finding, findingKey } from '../plugin/finding.ts'
import { definePlugin, type Plugin } from '../plugin/plugin.ts'
import { defer, pass, reject } from '../plugin/verdict.ts'
import { mailboxKey } from '../mail/address.ts'
import { chainUnderTest, entryOf, type TestSession } from '../testkit/chain-under-test.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import type { EntryConfig } from './entry.ts'
import { redecide } from './redecide.ts'

const bob = 'bob@postern.test'
const carol = 'carol@postern.test'
const unless = { allowed: true }

const proof = findingKey<{ readonly domain: string }, 'proof'>('proof')
const prover = definePlugin({
  name: 'prover',
  provides: [proof],
  setup: () => ({
    mail: ({ reversePath }) =>
      reversePath?.localPart === 'proven'
        ? pass({ findings: [finding(proof, { domain: reversePath.domain })] })
        : pass(),
  }),
})

/** Bob wants to hear from `friend`, and from `proven` and `forged` if they prove who they are; eve is refused. */
const friends = definePlugin({
  name: 'friends',
  wants: [proof],
  provides: [allowed],
  setup: () => ({
    rcpt({ transaction: { reversePath }, recipient }, { findings }) {
      const who = reversePath?.localPart ?? ''
      if (who === 'eve') return reject('5.7.1', 'Not eve')
      if (mailboxKey(recipient.mailbox) !== bob) return pass()
      const needsProof = who === 'proven' || who === 'forged'
      if (who !== 'friend' && !needsProof) return pass()
      const holds = !needsProof || findings.get(proof) !== undefined ? 'yes' : 'unproven'
      return pass({ findings: [finding(allowed, { holds, because: who })] })
    },
  }),
})

const strict = (stage: string, config: Partial<EntryConfig> = {}) =>
  entryOf(objector, {
    name: `strict-${stage}`,
    refuseAt: 'rcpt',
    options: { stage, text: 'Strict' },
    unless,
    ...config,
  })

const chainOf = (...entries: EntryConfig[]) =>
  chainUnderTest({ entries: [...entries, entryOf(voucher)] })

async function from(session: TestSession, sender: string): Promise<void> {
  await session.connect()
  await session.hello()
  await session.mail(`${sender}@client.test`)
}

describe.each(['connect', 'hello', 'mail', 'rcpt'])('a refusal at %s', (stage) => {
  test('is lifted for the recipient who allows the sender, wherever the entry stands', async () => {
    for (const entries of [
      [strict(stage), entryOf(friends)],
      [entryOf(friends), strict(stage)],
    ]) {
      const session = chainOf(...entries).dial()
      await from(session, 'friend')
      expect(await session.rcpt(carol)).toBe('550 5.7.1 Strict')
      expect(await session.rcpt(bob)).toBe('250')
      expect(await session.rcpt(carol)).toBe('550 5.7.1 Strict')
      session.reset()
      await session.mail('stranger@client.test')
      expect(await session.rcpt(bob)).toBe('550 5.7.1 Strict')
    }
  })

  test('is lifted by a proof that stands behind it, and stands where that does not come', async () => {
    const chain = chainOf(strict(stage), entryOf(prover), entryOf(friends))
    const session = chain.dial()
    await from(session, 'proven')
    expect(await session.rcpt(bob)).toBe('250')
    expect(await session.rcpt(carol)).toBe('550 5.7.1 Strict')
    session.reset()
    await session.mail('forged@client.test')
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Strict')
    session.end()
    const trace = await chain.trace()
    expect(trace && redecide(trace)?.recipients).toMatchObject([{ code: 550, text: 'Strict' }])
  })
})

describe('who is allowed', () => {
  test('is still refused for everything else', async () => {
    const session = chainOf(
      entryOf(friends),
      strict('mail'),
      entryOf(objector, { options: { stage: 'rcpt', text: 'Nobody there' } }),
    ).dial()
    await from(session, 'friend')
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Nobody there')
  })

  test('is still not vouched for', async () => {
    const session = chainUnderTest({ entries: [entryOf(friends)] }).dial()
    await from(session, 'friend')
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Relaying denied')
  })

  test('is asked about before a remembered refusal is spoken, and may be refused there', async () => {
    const session = chainOf(strict('connect'), entryOf(friends)).dial()
    await from(session, 'eve')
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Not eve')
  })

  test('is not who only a shadow entry allows', async () => {
    const session = chainOf(entryOf(friends, { mode: 'shadow' }), strict('connect')).dial()
    await from(session, 'friend')
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Strict')
  })

  test('is not deferred with the others where one of two conditions holds', async () => {
    const both = { unless: [{ authenticated: true }, { allowed: true }] }
    const session = chainOf(strict('mail', both), entryOf(friends)).dial()
    await from(session, 'friend')
    expect(await session.rcpt(bob)).toBe('250')
    expect(await session.rcpt(carol)).toBe('550 5.7.1 Strict')
  })
})

describe('at message', () => {
  const scorer = (config: Partial<EntryConfig> = {}): EntryConfig =>
    entryOf(
      definePlugin({
        name: 'scorer',
        setup: () => ({ message: () => pass({ score: 9 }) }),
      }),
      { unless, ...config },
    )
  const lateFriends: Plugin = definePlugin({
    name: 'late-friends',
    provides: [allowed],
    setup: () => ({
      async message() {
        await Promise.resolve()
        return pass({
          findings: [finding(allowed, { holds: 'yes', because: 'From', recipients: [carol] })],
        })
      },
    }),
  })

  async function placed(...entries: EntryConfig[]) {
    const chain = chainUnderTest({
      entries: [...entries, entryOf(voucher)],
      thresholds: { quarantine: 5 },
    })
    const session = chain.dial()
    await from(session, 'friend')
    for (const recipient of [bob, carol, 'dave@postern.test']) await session.rcpt(recipient)
    expect(await session.message()).toBe('250')
    return session.placements.map(({ disposition, envelope }) => [
      disposition,
      envelope.recipients.map(({ mailbox }) => mailbox.localPart),
    ])
  }

  test('a score does not count for the recipients who allow the sender', async () => {
    expect(await placed(entryOf(friends), scorer())).toEqual(
      expect.arrayContaining([
        ['deliver', ['bob']],
        ['hold', ['carol']],
        ['hold', ['dave']],
      ]),
    )
  })

  test('what is learned from the message counts for the entries behind it', async () => {
    expect(await placed(entryOf(friends), entryOf(lateFriends), scorer())).toEqual(
      expect.arrayContaining([
        ['deliver', ['bob', 'carol']],
        ['hold', ['dave']],
      ]),
    )
  })
})

test('an entry that wants a finding waits for it, and does without where nobody provides it', async () => {
  const colour = findingKey<string, 'colour'>('colour')
  const seen: (string | undefined)[] = []
  const painter = definePlugin({
    name: 'painter',
    provides: [colour],
    setup: () => ({
      async message() {
        await Promise.resolve()
        return pass({ findings: [finding(colour, 'blue')] })
      },
    }),
  })
  const viewer = definePlugin({
    name: 'viewer',
    wants: [colour],
    setup: () => ({
      message(_event, { findings }) {
        seen.push(findings.get(colour))
        return findings.get(colour) === 'green' ? defer('4.7.1', 'No') : pass()
      },
    }),
  })
  for (const entries of [[entryOf(painter), entryOf(viewer)], [entryOf(viewer)]]) {
    const session = chainOf(...entries).dial()
    await from(session, 'friend')
    await session.rcpt(bob)
    expect(await session.message()).toBe('250')
  }
  expect(seen).toEqual(['blue', undefined])
})

describe('at message', () => {
  const signed = definePlugin({
    name: 'signed',
    provides: [proof],
    setup: () => ({
      message: ({ message }) =>
        message.header.first('signed') === undefined
          ? pass()
          : pass({ findings: [finding(proof, { domain: 'client.test' })] }),
    }),
  })
  const trusting = definePlugin({
    name: 'trusting',
    provides: [allowed],
    wants: [proof],
    setup: () => ({
      message: (_, { findings }) =>
        findings.get(proof) === undefined
          ? pass()
          : pass({ findings: [finding(allowed, { holds: 'yes', because: 'signed' })] }),
    }),
  })

  test.each([
    ['before', [entryOf(trusting), strict('message'), entryOf(signed)]],
    ['behind', [entryOf(signed), entryOf(trusting), strict('message')]],
  ])('is who is proven there, though the entry stands %s the proof', async (_, entries) => {
    const session = chainOf(...entries).dial()
    await from(session, 'ann')
    await session.rcpt(bob)
    expect(await session.message('Signed: yes\r\n\r\nhello\r\n')).toBe('250')
    await session.mail('ann@client.test')
    await session.rcpt(bob)
    expect(await session.message()).toBe('550 5.7.1 Strict')
  })
})
