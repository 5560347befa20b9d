import { describe, expect, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import type { Message } from '../../mail/message.ts'
import { address, hello, meet, settle, stage } from '../../testkit/next-hop-stage.ts'
import { scriptedHop, type HopAnswers } from '../../testkit/scripted-hop.ts'

describe('a connection that breaks', () => {
  const steps = ['greeting', 'EHLO', 'HELO', 'MAIL', 'RCPT', 'DATA', 'message'] as const
  const cases = steps.flatMap((step) => [
    [step, [] as string[]] as const,
    [step, ['PIPELINING']] as const,
  ])

  test.each(cases)('at %s (extensions: %j) defers every recipient', async (step, extensions) => {
    const answers: HopAnswers = {
      ...(step === 'HELO' ? { EHLO: '502 What?' } : {}),
      [step]: 'hang-up',
    }
    const { results, net } = await meet({ extensions, answers }, { to: ['bob', 'cid'] })
    const status = ['greeting', 'EHLO', 'HELO'].includes(step) ? '4.4.1' : '4.4.2'
    expect(results.map((result) => [result.outcome, result.status])).toEqual([
      ['deferred', status],
      ['deferred', status],
    ])
    await settle()
    expect(net.open).toBe(0)
  })

  test('after the final dot may mean a duplicate, and says so', async () => {
    const { result } = await meet({ answers: { message: 'hang-up' } })
    expect(result.text).toContain('possible duplicate')
  })

  test('after the reply to the final dot changes nothing', async () => {
    const { result } = await meet({ answers: { QUIT: 'hang-up' } })
    expect(result.outcome).toBe('delivered')
  })

  test('does not take back what was refused before', async () => {
    const { results } = await meet(
      {
        extensions: [],
        answers: { RCPT: (line) => (line.includes('bob') ? '550 5.1.1 No' : 'hang-up') },
      },
      { to: ['bob', 'cid'] },
    )
    expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'deferred'])
  })

  test.each([
    ['greeting', 300_000],
    ['EHLO', 300_000],
    ['MAIL', 300_000],
    ['RCPT', 300_000],
    ['DATA', 120_000],
    ['message', 600_000],
  ] as const)('silence at %s is borne for %i ms and no longer', async (step, timeoutMs) => {
    const hop = scriptedHop({ extensions: [], answers: { [step]: 'silence' } })
    const { results, clock, net } = stage({ hosts: { [`${address}:2525`]: hop.accepted } })
    let done = false
    void results.then(() => (done = true))
    await settle()
    clock.advance(timeoutMs - 1)
    await settle()
    expect(done).toBe(false)
    clock.advance(1)
    expect(await results).toMatchObject([{ outcome: 'deferred' }])
    expect(net.open).toBe(0)
  })

  test.each([
    ['a bare LF', '250 ok\n250 ok'],
    ['what is no reply', 'HTTP/1.1 400 Bad Request'],
    ['a reply of two codes', '250-a\r\n550 b'],
    ['a line without end', 'x'.repeat(5000)],
  ])('by %s is not believed', async (_, text) => {
    const { hop, result } = await meet({ answers: { RCPT: text } })
    expect(result).toMatchObject({ outcome: 'deferred', status: '4.4.2' })
    expect(hop.taken).toEqual([])
  })

  test('by a reply that nobody asked for is not believed', async () => {
    const { hop, result } = await meet({
      extensions: [],
      answers: { MAIL: '250 Ok\r\n250 Ok\r\n354 Go\r\n250 Taken' },
    })
    expect(result).toMatchObject({ outcome: 'deferred', status: '4.4.2' })
    expect(hop.taken).toEqual([])
  })

  test('because the work is called off defers, and lets go of the connection', async () => {
    const hop = scriptedHop({ answers: { message: 'silence' } })
    const { results, stop, net } = stage({ hosts: { [`${address}:2525`]: hop.accepted } })
    await settle()
    stop.abort()
    expect(await results).toMatchObject([{ outcome: 'deferred' }])
    expect(net.open).toBe(0)
  })

  test('on our side, by a message that can not be read, defers and delivers nothing', async () => {
    const broken: Message = {
      ...hello,
      header: hello.header,
      async *read() {
        yield Buffer.from('Subject: half\r\n')
        throw new PosternError('DISK_FAILED', 'spool/1')
      },
    }
    const { hop, result } = await meet({}, { message: broken })
    expect(result).toMatchObject({ outcome: 'deferred', status: '4.3.0' })
    expect(hop.taken).toEqual([])
  })
})
