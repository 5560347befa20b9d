/** A real Exim behind the gateway and in front of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  delivered,
  mailIn,
  runPostern,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { isMissing } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { startExim } from './exim-server.ts'
import { eightBits, loggedAt, mailAt, type MailServer } from './mail-server.ts'
import { gatewayBetween, sendTo } from './server-gateway.ts'

describe.skipIf(isMissing('exim'))('a real Exim', () => {
  let gateway: StartedGateway
  let exim: MailServer
  let own: number

  beforeAll(async () => {
    own = await freePort()
    gateway = await gatewayBetween([`exim.test: smtp:localhost:${own}`])
    exim = await startExim({ own, gateway: gateway.port })
  }, 60_000)

  afterAll(async () => {
    await gateway.stop()
    await gateway.folder.remove()
    await exim.stop()
  })

  describe('as the next hop', () => {
    test('gets mail by TLS with its certificate verified, in chunks, unchanged', async () => {
      const text = ['.a dot first', '..two', '', 'grüße', '.', 'end'].join('\n')
      await sendTo(gateway.port, {
        to: 'bob@exim.test',
        raw: eightBits(text),
      })
      const [mail = ''] = await mailAt(exim, 'bob')
      expect(mail).toMatch(/with esmtps\s+\(TLS1\.3\)/)
      expect(Buffer.from(mail, 'latin1').toString()).toContain(`\n\n${text}\n`)
      await loggedAt(exim, /<= alice@postern\.test .* P=esmtps .* K /)
    })

    test('answers for each recipient: one gets it, one bounces, one waits', async () => {
      await sendTo(gateway.port, {
        from: 'sorter@postern.test',
        to: ['carol@exim.test', 'refused@exim.test', 'busy@exim.test'],
        text: 'for three',
      })
      expect((await mailAt(exim, 'carol')).join('')).toContain('for three')
      const [bounce = ''] = await delivered(gateway.folder, ['sorter', 'postern.test'])
      expect(bounce).toMatch(/^Final-Recipient: rfc822; ?refused@exim\.test$/m)
      expect(bounce).toMatch(/^Diagnostic-Code: smtp; 550 nobody of that name/m)
      const { stdout } = await runPostern(['queue', 'list', '--config', gateway.folder.config])
      expect(stdout).toContain('busy@exim.test')
      expect(stdout).not.toMatch(/(?:carol|refused)@exim\.test/)
    })
  })

  describe('as a client', () => {
    test('relays to us by TLS after it has verified our certificate, in chunks', async () => {
      const text = ['.a dot first', '..two', '', '.', 'grüße'].join('\n')
      await sendTo(own, {
        from: 'someone@exim.test',
        to: ['first@postern.test', 'second@postern.test'],
        raw: eightBits(text),
      })
      for (const user of ['first', 'second']) {
        const [mail = ''] = await delivered(gateway.folder, [user, 'postern.test'])
        expect(Buffer.from(mail, 'latin1').toString()).toContain(`\n\n${text}\n`)
        expect(mail).toMatch(/ with ESMTPS id /)
      }
      const line = await loggedAt(exim, /=> first@postern\.test .*/)
      expect(line).toContain('X=TLS1.3')
      expect(line).toContain('CV=yes')
      expect(line).toMatch(/ K C="250/)
    })

    test('of a message of a megabyte, sends many chunks', async () => {
      const text = `${'0123456789'.repeat(7)}\n`.repeat(15_000)
      await sendTo(own, {
        from: 'big@exim.test',
        to: 'third@postern.test',
        raw: `Subject: big\n\n${text}`,
      })
      const [mail = ''] = await delivered(gateway.folder, ['third', 'postern.test'])
      expect(mail.split('0123456789'.repeat(7))).toHaveLength(15_001)
    })

    test('understands which recipient we refuse, and tells its sender', async () => {
      await sendTo(own, {
        from: 'erin@exim.test',
        to: ['fourth@postern.test', 'bob+revoked@postern.test'],
        text: 'through Exim',
      })
      await delivered(gateway.folder, ['fourth', 'postern.test'])
      const [bounce = ''] = await mailAt(exim, 'erin')
      expect(bounce).toContain('550 5.1.1')
      expect(await mailIn(gateway.folder, 'postern.test', 'bob+revoked')).toEqual([])
    })
  })
})
