import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chainUnderTest, entryOf, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { definePlugin, accept, type EnvelopeEdit, type AnyVerdict } from 'postern/plugin'
import { readTaps } from './tap-rules.ts'
import { taps } from './taps.ts'

const text = 'Subject: x\r\n\r\nbody\r\n'

async function opened(options: PluginTestOptions) {
  const plugin = pluginUnderTest(taps, options)
  await plugin.open()
  return plugin
}

const copiesOf = ({ envelopeEdits = [] }: AnyVerdict) =>
  envelopeEdits.map((edit: EnvelopeEdit) =>
    edit.edit === 'addCopy'
      ? `${edit.recipient.mailbox.localPart}@${edit.recipient.mailbox.domain}`
      : edit.edit,
  )

describe('control/taps', () => {
  const files = {
    'control/taps':
      '# ours\n^boss@:one@log.test\n@SALES\\.test$:two@log.test\n!@(x|y)\\.test$:three\n',
  }

  test.each([
    ['Boss@x.test', ['a@sales.test'], ['one@log.test']],
    ['ann@x.test', ['a@y.test', 'b@sales.test'], ['two@log.test']],
    ['ann@x.test', ['a@y.test', 'b@z.test'], ['three@mx.postern.test']],
    ['ann@x.test', ['a@y.test'], []],
  ])(
    'from %s to %j: the first line that fits makes one copy',
    async (reversePath, recipients, copy) => {
      const plugin = await opened({ files })
      const verdict = await plugin.message(text, { reversePath, recipients })
      expect(copiesOf(verdict)).toEqual(copy)
    },
  )

  test('a line that is none is refused with its number', () => {
    for (const bad of ['a(b:log@x.test', 'nothing', '^a:not an address']) {
      expect(() =>
        pluginUnderTest(taps, { files: { 'control/taps': `^b:c@d\n${bad}\n` } }),
      ).toThrow('control/taps:2')
    }
  })

  test('with mistakes is refused at the start, each of them told with its line', () => {
    const files = { 'control/taps': '((:a@x.test\nb:c@x.test\nno address\n' }
    const setUp = () => pluginUnderTest(taps, { files })
    expect(setUp).toThrow("control/taps:1: '((:a@x.test' means nothing")
    expect(setUp).toThrow(/taps:3: 'no address' .*; ends in no :address; write regex:address/)
  })

  test('whatever stands in it, each line is a rule or a mistake', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        const { rules, mistakes } = readTaps(Buffer.from(lines.join('\n')))
        for (const rule of rules) expect(typeof rule.fits('a@b')).toBe('boolean')
        expect(rules.length + mistakes.length).toBeLessThanOrEqual(
          lines.join('\n').split('\n').length,
        )
      }),
    )
  })
})

describe('QUEUE_EXTRA', () => {
  test.each([
    ['log@x.test', ['log@x.test']],
    ['Tlog@x.test\\0', ['log@x.test']],
    ['Tlog@x.test', ['Tlog@x.test']],
    ['Ta@x.test\\0Tb@x.test\\0', ['a@x.test', 'b@x.test']],
    ['Tlog\\0', ['log@mx.postern.test']],
    ['a@x.test b@x.test', ['a@x.test', 'b@x.test']],
  ])('%s copies every message to %j', async (extra, copies) => {
    const plugin = await opened({ environment: { QUEUE_EXTRA: extra } })
    expect(copiesOf(await plugin.message(text))).toEqual(copies)
  })

  test('that is no address is a mistake of the file, or of the rule that sets it', async () => {
    const written = { options: { extra: ['no address'] } }
    expect(() => pluginUnderTest(taps, written)).toThrow('"no address" is no address')
    const ofRule = pluginUnderTest(taps, { environment: { QUEUE_EXTRA: 'Tlog\\0T@\\0' } })
    await expect(ofRule.message(text)).rejects.toThrow('is no address')
  })
})

describe('a copy', () => {
  const extra = { extra: ['log@x.test'] }

  test('has the null reverse-path, asks for no notices, and says what the envelope was', async () => {
    const plugin = await opened({ options: extra })
    const about = { reversePath: 'ann@a.test', recipients: ['bob@b.test', 'cid@c.test'] }
    expect((await plugin.message(text, about)).envelopeEdits).toMatchObject([
      {
        edit: 'addCopy',
        reversePath: null,
        recipient: { notify: ['never'] },
        headerEdits: [
          { name: 'X-Postern-Copy' },
          { edit: 'remove' },
          { edit: 'remove' },
          { name: 'X-Envelope-From', value: '<ann@a.test>' },
          { name: 'X-Envelope-To', value: 'bob@b.test, cid@c.test' },
        ],
      },
    ])
  })

  test('is not copied again when it comes back, and a mark that we did not make changes nothing', async () => {
    const plugin = await opened({ options: extra })
    const [edit] = (await plugin.message(text)).envelopeEdits ?? []
    const mark = edit?.edit === 'addCopy' ? edit.headerEdits[0] : undefined
    const value = mark?.edit === 'append' ? mark.value : ''
    expect(await plugin.message(`X-Postern-Copy: ${value}\r\n${text}`)).toEqual({
      verdict: 'pass',
      reason: 'TAP_OF_A_COPY',
    })
    const forged = value.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    for (const field of [forged, '', 'a b', 'x'.repeat(10_000)]) {
      const verdict = await plugin.message(`X-Postern-Copy: ${field}\r\n${text}`)
      expect(copiesOf(verdict)).toEqual(['log@x.test'])
    }
  })

  test('is a message of its own in the queue, and nobody who is a recipient gets one', async () => {
    const yes = definePlugin({
      name: 'yes',
      vouches: 'local',
      setup: () => ({ rcpt: () => accept() }),
    })
    const chain = chainUnderTest({
      entries: [entryOf(yes), entryOf(taps, { options: { extra: ['log@x.test', 'bob@b.test'] } })],
    })
    await chain.policy.generation.open()
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail('ann@a.test')
    await session.rcpt('bob@b.test')
    expect(await session.message(text)).toBe('250')
    expect(
      session.placements.map(({ disposition, envelope }) => [
        disposition,
        envelope.reversePath?.localPart,
        envelope.recipients.map(({ mailbox }) => mailbox.localPart).join(),
      ]),
    ).toEqual([
      ['deliver', 'ann', 'bob'],
      ['deliver', undefined, 'log'],
    ])
  })
})
