/** Sessions out of scraps of commands and bytes, from a seed: no crash, no hang, and the cut of the wire changes nothing. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settled, smtpStage } from '../testkit/smtp-stage.ts'

const scraps = fc.constantFrom(
  'EHLO x\r\n',
  'HELO x\r\n',
  'MAIL FROM:<',
  'a@b.test',
  '>',
  '\r\n',
  '<>',
  'RCPT TO:<',
  'DATA\r\n',
  '.\r\n',
  '\r\n.\r\n',
  'BDAT ',
  '5',
  ' LAST\r\n',
  '0',
  'RSET\r\n',
  'QUIT\r\n',
  'AUTH PLAIN ',
  'AHUAcA==\r\n',
  'AUTH LOGIN\r\n',
  '*\r\n',
  'STARTTLS\r\n',
  'NOOP\r\n',
  ' SIZE=9',
  ' BODY=8BITMIME',
  ' SMTPUTF8',
  ' RET=HDRS',
  ' ENVID=+41',
  ' NOTIFY=NEVER',
  ' ORCPT=rfc822;a+40b',
  'VRFY a\r\n',
  '\n',
  '\r',
  '\0',
  '.',
  ' ',
  '"',
  '\\',
  '@',
  'ü',
  '\xff',
  'MAIL FROM:<a@b.test>\r\nRCPT TO:<c@mx.test>\r\n',
  'MAIL FROM:<a@b.test>\r\nRCPT TO:<c@mx.test>\r\nBDAT 6\r\ntext\r\n',
  'x'.repeat(600),
)
/** What becomes of bare line ends and NULs. */
const manner = fc.constantFrom('refuse' as const, 'fix' as const)
const session = fc.array(scraps, { maxLength: 40 }).map((parts) => `EHLO x\r\n${parts.join('')}`)

/** All that the server says, and what it kept, when the wire is cut at these offsets. */
async function play(
  text: string,
  { manner, cuts }: { manner: 'refuse' | 'fix'; cuts: readonly number[] },
): Promise<readonly string[]> {
  const stage = await smtpStage()
  stage.policy.settings = {
    ...stage.policy.settings,
    authWithoutTls: true,
    starttls: 'off',
    lineEnds: manner,
    nul: manner,
  }
  const client = await stage.dial()
  const ends = [...cuts.filter((at) => at < text.length), text.length].toSorted((a, b) => a - b)
  ends.forEach((end, index) => client.send(text.slice(ends[index - 1] ?? 0, end)))
  await settled()
  client.connection.end()
  await settled()
  expect(stage.queue.openDrafts).toBe(0)
  expect(stage.log.events.filter(({ event }) => event === 'policy.failed')).toEqual([])
  expect(stage.policy.history.at(-1)).toMatch(/^session /)
  const kept = stage.queue.commits.map(({ message }) =>
    Buffer.from(message.bytes).toString('latin1'),
  )
  return [client.unread, ...kept]
}

/** Cut at random, a session says and leaves the same. */
function sameHoweverCut(
  extent: fc.Parameters<[string, 'refuse' | 'fix', number[]]>,
): Promise<void> {
  return fc.assert(
    fc.asyncProperty(session, manner, fc.array(fc.nat(2_000)), async (text, how, cuts) => {
      const whole = await play(text, { manner: how, cuts: [] })
      expect(whole[0]).toMatch(/^(?:\d{3}[ -](?:\d\.\d+\.\d+ )?[\x20-\x7e]*\r\n)+$/)
      expect(await play(text, { manner: how, cuts })).toEqual(whole)
      expect(whole.slice(1).join('')).not.toMatch(/\r(?!\n)|(?<!\r)\n|\0/)
    }),
    extent,
  )
}

/** `npm run soak` gives it minutes, and seeds that nobody has tried. */
const seconds = Number(process.env['POSTERN_FUZZ_SECONDS'] ?? 0)
const extent = (share: number) =>
  seconds > 0
    ? {
        numRuns: Number.MAX_SAFE_INTEGER,
        interruptAfterTimeLimit: Math.ceil(seconds * share * 1_000),
      }
    : { numRuns: 300 * share, seed: 20_261_121 }

test(
  'any session is answered with replies and nothing else, alike however the wire is cut, and leaves nothing in memory',
  async () => {
    await sameHoweverCut(extent(0.2))
    const before = heapBytes()
    await sameHoweverCut(extent(0.8))
    expect(heapBytes() - before).toBeLessThan(16_000_000)
  },
  (seconds + 60) * 1_000,
)

/** What is still in use once everything else has been collected. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')({ type: 'major', execution: 'sync' })
  return process.memoryUsage().heapUsed
}
