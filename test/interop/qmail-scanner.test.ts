/** Qmail-Scanner's four test messages, through a started gateway with a real clamd and a real spamd. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  mailIn,
  printed,
  runPostern,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { isMissing } from '../setup/components.ts'
import { eicar, startClamd, type Clamd } from './clamd.ts'
import { gtube, startSpamd, type Spamd } from './spamd.ts'

const yaml = (clamd: Clamd, spamd: Spamd): string => `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
chain:
  - plugin: relay-clients
  - plugin: rcpthosts
  - plugin: clamav
    options: { servers: ['${clamd.socket}'], infected: quarantine }
  - plugin: spamassassin
    options: { servers: ['127.0.0.1:${spamd.port}'] }
plugin_dirs: [../plugins]
delivery: { maildirs: ../var/mail }
`

const attached = (name: string, type: string): readonly string[] => [
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b"',
  '',
  '--b',
  `Content-Type: ${type}; name="${name}"`,
  'Content-Transfer-Encoding: base64',
  `Content-Disposition: attachment; filename="${name}"`,
  '',
  Buffer.from(eicar, 'latin1').toString('base64'),
  '--b--',
]

const messages: readonly (readonly string[])[] = [
  ['Subject: test (1/4): inoffensive message', '', 'Nothing to see here.'],
  ['Subject: test (2/4): viral', ...attached('Eicar.com', 'application/x-msdownload')],
  ['Subject: test (3/4): hidden', ...attached('sneaky.txt', 'text/plain')],
  ['Subject: test (4/4): anti-spam', '', gtube],
]

const both = isMissing('clamd', 'spamd')

describe.skipIf(both)('a gateway with the mission’s scanners', { timeout: 60_000 }, () => {
  let clamd: Clamd
  let spamd: Spamd
  let gateway: StartedGateway

  beforeAll(async () => {
    ;[clamd, spamd] = await Promise.all([startClamd(), startSpamd()])
    const folder = await gatewayFolder(yaml(clamd, spamd))
    await folder.write('tcp.smtp', ':allow\n')
    gateway = await startGateway(folder)
  }, 90_000)

  afterAll(async () => {
    await gateway.stop()
    await Promise.all([clamd.stop(), spamd.stop(), gateway.folder.remove()])
  })

  const send = async (recipient: string, lines: readonly string[]): Promise<string> => {
    const replies = await dialogue(gateway.port, [
      'EHLO client.test',
      'MAIL FROM:<alice@client.test>',
      `RCPT TO:<${recipient}@postern.test>`,
      'DATA',
      `${lines.join('\r\n')}\r\n.`,
      'QUIT',
    ])
    return replies[5] ?? ''
  }

  test('delivers the first, holds the second and third, and marks the fourth as spam', async () => {
    for (const message of messages) expect(await send('bob', message)).toMatch(/^250 2\.0\.0/)
    const [one = '', two = ''] = await delivered(gateway.folder, ['bob', 'postern.test'], 2)
    const [harmless, spam] = one.includes('(1/4)') ? [one, two] : [two, one]
    expect(harmless).toMatch(/^Subject: test \(1\/4\)/m)
    expect(harmless).toMatch(/^X-Spam-Status: No/m)
    expect(spam).toMatch(/^Subject: \[SPAM\] test \(4\/4\): anti-spam\r?$/m)
    expect(spam).toMatch(/^X-Spam-Flag: YES/m)
    const held = await eventually(async () => {
      const list = await runPostern(['queue', 'list', '--config', gateway.folder.config])
      return list.stdout.split('(held)').length > 2 ? list.stdout : undefined
    }, 'two held messages')
    expect(held.split('(held)')).toHaveLength(3)
    expect(await mailIn(gateway.folder, 'postern.test', 'bob')).toHaveLength(2)
    await printed(['trace', 'last', '--config', gateway.folder.config], 'GTUBE')
  })

  /** Sends GTUBE until the new rules are in force: what arrives then. */
  const afterNewRules = (name: string, rules: string, isRight: (mail: string) => boolean) => {
    let times = 0
    const written = gateway.folder.write('tcp.smtp', rules)
    return eventually(async () => {
      await written
      const recipient = `${name}${++times}`
      expect(await send(recipient, messages[3] ?? [])).toMatch(/^250/)
      const [mail = ''] = await delivered(gateway.folder, [recipient, 'postern.test'])
      return isRight(mail) ? mail : undefined
    }, rules)
  }

  test('does not score what relay clients send, but looks for viruses in it', async () => {
    const scored = (mail: string): boolean => mail.includes('X-Spam-Flag: YES')
    await afterNewRules('carol', '127.:allow,RELAYCLIENT=""\n', (mail) => !scored(mail))
    expect(await send('dave', messages[2] ?? [])).toMatch(/^250/)
    expect(await mailIn(gateway.folder, 'postern.test', 'dave')).toEqual([])
    await afterNewRules('erin', '127.:allow,RELAYCLIENT="",QS_SPAMASSASSIN="on"\n', scored)
  })

  test('scans for whom simcontrol says so, and each recipient’s own limit counts', async () => {
    const lines = [
      ':clam=yes,spam=yes',
      'early@postern.test:spam_hits=900',
      'strict@postern.test:spam_hits=900',
      'boss@postern.test:spam_passthru=yes',
      'lab@postern.test:clam=no,spam=no',
    ]
    const written = gateway.folder.write('control/simcontrol', `${lines.join('\n')}\n`)
    await eventually(async () => {
      await written
      return /^550 5\.7\.1 Your email is considered spam \(\d+\.\d\d spam-hits\)/.test(
        await send('early', messages[3] ?? []),
      )
    }, 'simcontrol to be in force')
    expect(await send('boss', messages[3] ?? [])).toMatch(/^250/)
    const [tagged = ''] = await delivered(gateway.folder, ['boss', 'postern.test'])
    expect(tagged).toMatch(/^X-Spam-Flag: YES/m)
    expect(await send('lab', messages[1] ?? [])).toMatch(/^250/)
    const [unscanned = ''] = await delivered(gateway.folder, ['lab', 'postern.test'])
    expect(unscanned).not.toMatch(/^X-Spam-/m)

    // One reply for both: who wants it gets it, for the other it is held.
    const replies = await dialogue(gateway.port, [
      'EHLO client.test',
      'MAIL FROM:<alice@client.test>',
      'RCPT TO:<strict@postern.test>',
      'RCPT TO:<boss@postern.test>',
      'DATA',
      `${(messages[3] ?? []).join('\r\n')}\r\n.`,
      'QUIT',
    ])
    expect(replies[6]).toMatch(/^250 2\.0\.0/)
    expect(await delivered(gateway.folder, ['boss', 'postern.test'], 2)).toHaveLength(2)
    expect(await mailIn(gateway.folder, 'postern.test', 'strict')).toEqual([])
    const list = await runPostern(['quarantine', 'list', '--config', gateway.folder.config])
    expect(list.stdout).toContain('strict@postern.test')
    expect(list.stdout).not.toContain('boss@postern.test')
  })

  test('defers everything when clamd is gone, and says why', async () => {
    await clamd.stop()
    expect(await send('frank', messages[0] ?? [])).toMatch(/^451 4\.3\.0/)
    await gateway.seen('entry.fault')
    await gateway.seen('clamd.sock')
  })
})
