/** A real Postfix behind the gateway and in front of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  delivered,
  mailIn,
  runPostern,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { freePort } from '../setup/free-port.ts'
import { eightBits, loggedAt, mailAt } from './mail-server.ts'
import { postfixCannotRun, startPostfix, type Postfix } from './postfix-server.ts'
import { gatewayBetween, sendTo } from './server-gateway.ts'

describe.skipIf(postfixCannotRun())('a real Postfix', () => {
  let gateway: StartedGateway
  let postfix: Postfix
  let full: number

  beforeAll(async () => {
    full = await freePort()
    const plain = await freePort()
    gateway = await gatewayBetween([
      `postfix.test: smtp:localhost:${full}`,
      `plain.test: smtp:127.0.0.1:${plain}`,
    ])
    postfix = await startPostfix({ full, plain, gateway: gateway.port })
  }, 60_000)

  afterAll(async () => {
    await gateway.stop()
    await gateway.folder.remove()
    await postfix.stop()
  })

  describe('as the next hop', () => {
    test('gets mail by TLS with its certificate verified, in chunks, unchanged', async () => {
      const text = ['.a dot first', '..two', '', 'grüße', '.', 'end'].join('\n')
      await sendTo(gateway.port, {
        to: 'bob@postfix.test',
        raw: eightBits(text),
      })
      const [mail = ''] = await mailAt(postfix, 'bob')
      expect(mail).toContain('using TLSv1.3')
      expect(Buffer.from(mail, 'latin1').toString()).toContain(`\n\n${text}\n`)
      await loggedAt(postfix, /disconnect from \S+ ehlo=2 .*starttls=1 .*bdat=\d+ .*quit=1/)
    })

    test('is told who gave us the message, where it is trusted with that', async () => {
      await sendTo(gateway.port, { to: 'frank@postfix.test', text: 'whence?' })
      expect(await mailAt(postfix, 'frank')).toHaveLength(1)
      await loggedAt(postfix, /orig_queue_id=\w+, orig_client=\S*\[127\.0\.0\.1\]/)
    })

    test('answers for each recipient: one gets it, one bounces, one waits', async () => {
      await sendTo(gateway.port, {
        from: 'sorter@postern.test',
        to: ['carol@postfix.test', 'refused@postfix.test', 'busy@postfix.test'],
        text: 'for three',
      })
      expect((await mailAt(postfix, 'carol')).join('')).toContain('for three')
      const [bounce = ''] = await delivered(gateway.folder, ['sorter', 'postern.test'])
      expect(bounce).toMatch(/^Final-Recipient: rfc822; ?refused@postfix\.test$/m)
      expect(bounce).toMatch(/^Diagnostic-Code: smtp; 550 5\.1\.1 /m)
      expect(bounce).not.toMatch(/^Final-Recipient: .*(?:carol|busy)/m)
      const { stdout } = await runPostern(['queue', 'list', '--config', gateway.folder.config])
      expect(stdout).toContain('busy@postfix.test')
      expect(stdout).not.toMatch(/(?:carol|refused)@postfix\.test/)
    })

    test('takes over what the sender asked to be told, and says it with his envelope identifier', async () => {
      await sendTo(gateway.port, {
        from: 'asker@postern.test',
        to: 'dave@postfix.test',
        text: 'tell me',
        dsn: { id: 'QQ314159', return: 'headers', notify: 'success', recipient: 'd@first.test' },
      })
      const [notice = '', ...more] = await delivered(gateway.folder, ['asker', 'postern.test'])
      expect(more).toEqual([])
      expect(notice).toContain('Reporting-MTA: dns; mail.postfix.test')
      expect(notice).toContain('Original-Envelope-Id: QQ314159')
      expect(notice).toMatch(/^Original-Recipient: rfc822; ?d@first\.test$/m)
      expect(notice).toMatch(/^Action: delivered$/m)
      expect(notice).toMatch(/^Received: from mail\.postfix\.test .*\n?.* with ESMTPS id /m)
    })

    test('that knows no SMTPUTF8 is not asked: the sender hears of it', async () => {
      await sendTo(gateway.port, {
        from: 'polyglot@postern.test',
        to: 'grüße@plain.test',
        text: 'internationalised',
      })
      const [bounce = ''] = await delivered(gateway.folder, ['polyglot', 'postern.test'])
      expect(bounce).toMatch(/^Status: 5\.6\.7$/m)
    })
  })

  test('without 8BITMIME gets no 8-bit text: the sender hears of it', async () => {
    await sendTo(gateway.port, {
      from: 'eight@postern.test',
      to: 'erin@plain.test',
      raw: 'Subject: eight bits\n\ngrüße\n',
    })
    const [bounce = ''] = await delivered(gateway.folder, ['eight', 'postern.test'])
    expect(bounce).toMatch(/^Status: 5\.6\.3$/m)
  })

  describe('as a client', () => {
    test('relays to us by TLS after it has verified our certificate, for all recipients in one transaction', async () => {
      await sendTo(full, {
        from: 'someone@postfix.test',
        to: ['first@postern.test', 'second@postern.test'],
        text: 'through Postfix',
      })
      for (const user of ['first', 'second']) {
        const [mail = ''] = await delivered(gateway.folder, [user, 'postern.test'])
        expect(mail).toContain('through Postfix')
        expect(mail).toMatch(/ with ESMTPS id /)
      }
      await loggedAt(
        postfix,
        /Verified TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: TLSv1\.3/,
      )
      const log = await postfix.log()
      const queuedAs = /to=<first@postern\.test>.*status=sent \(250 2\.0\.0 (.*)\)/.exec(log)?.[1]
      expect(queuedAs).toBeDefined()
      expect(log).toMatch(/to=<second@postern\.test>.*status=sent/)
      expect(log.split(`(250 2.0.0 ${queuedAs})`)).toHaveLength(3)
    })

    test('understands which recipient we refuse, and tells its sender', async () => {
      await sendTo(full, {
        from: 'erin@postfix.test',
        to: ['third@postern.test', 'bob+revoked@postern.test'],
        text: 'through Postfix',
      })
      await delivered(gateway.folder, ['third', 'postern.test'])
      const [bounce = ''] = await mailAt(postfix, 'erin')
      expect(bounce).toMatch(/^Final-Recipient: rfc822; bob\+revoked@postern\.test$/m)
      expect(bounce).toMatch(/^Status: 5\.1\.1$/m)
      expect(await mailIn(gateway.folder, 'postern.test', 'bob+revoked')).toEqual([])
    })
  })
})
