/** What came to a started gateway is put to candidates: DNS, greylist and time are those of then. */
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { runReplay } from '../../src/rehearsal/run-replay.ts'
import { dialogue, gatewayFolder, runPostern, startGateway } from './started-gateway.ts'
import type { GatewayFolder } from './started-gateway.ts'
import { nameServer, type NameServer } from './name-server.ts'

let folder: GatewayFolder
let names: NameServer | undefined
afterEach(async () => {
  names?.close()
  names = undefined
  await folder.remove()
})

const yaml = (port: number): string => `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins]
tcp_rules: tcp.smtp
dns: { servers: ['127.0.0.1:${port}'] }
chain:
  - { plugin: lists }
  - { plugin: rcpthosts }
  - { plugin: dnsbl, options: { lists: [bl.test], threshold: 2, score: 4, self_test: false } }
  - { plugin: badhelo, mode: shadow }
  - { plugin: spf }
  - { plugin: greylist, options: { hold: 1ms } }
  - { plugin: headers, first: true }
thresholds: { quarantine: 9 }
receiver: { xclient_networks: [127.0.0.1] }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
`

const letter = [
  'Subject: x',
  'From: <a@good.test>',
  'Date: Sat, 21 Nov 2026 12:00:00 +0000',
  'Message-ID: <1@good.test>',
  '',
  'Hi',
  '.',
].join('\r\n')

test(
  'the same configuration changes nothing; a changed list, threshold or mode changes what it should, and the DNS is not asked',
  { timeout: 120_000 },
  async () => {
    const dns = await nameServer({
      '77.2.0.192.bl.test': { A: ['127.0.0.2'], TXT: ['listed'] },
      'good.test': { TXT: ['v=spf1 ip4:192.0.2.77 -all'], A: ['192.0.2.1'] },
      'forged.test': { TXT: ['v=spf1 -all'], A: ['192.0.2.1'] },
    })
    names = dns
    folder = await gatewayFolder(yaml(dns.port))
    await folder.write('control/rcpthosts', 'postern.test\n')
    await folder.write('control/badhelo', '^bad\\.test$\n')
    const gateway = await startGateway(folder)
    const visit = async (hello: string, [from, to]: readonly [string, string], data = false) => {
      const replies = await dialogue(gateway.port, [
        'EHLO proxy.test',
        'XCLIENT ADDR=192.0.2.77',
        `EHLO ${hello}`,
        `MAIL FROM:<${from}>`,
        `RCPT TO:<${to}>`,
        ...(data ? ['DATA', letter] : []),
        'QUIT',
      ])
      return replies.at(-2)
    }
    const ours = ['a@good.test', 'bob@postern.test'] as const
    expect(await visit('good.test', ours)).toMatch(/^451/)
    expect(await visit('good.test', ours, true)).toMatch(/^250/)
    expect(await visit('bad.test', ours, true)).toMatch(/^250/)
    expect(await visit('good.test', ['a@forged.test', 'bob@postern.test'])).toMatch(/^550/)
    expect(await visit('good.test', ['a@good.test', 'eve@else.test'])).toMatch(/^550/)
    expect(await gateway.stop()).toBe(0)
    const asked = dns.questions.length
    expect(dns.questions).toEqual(
      expect.arrayContaining(['A 77.2.0.192.bl.test', 'TXT good.test', 'TXT forged.test']),
    )

    const candidate = join(folder.root, 'candidate')
    await cp(folder.config, candidate, { recursive: true })
    const replay = () =>
      runReplay({ candidate, recorded: folder.config, sinceMs: 3_600_000, limit: 10 })
    const args = ['replay', '--config', candidate, '--traces', folder.config]
    expect(await runPostern(args)).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining(': 0 changed, 5 the same, 0 not replayable'),
    })
    // A candidate that lies elsewhere has no traces of its own: those of the configuration in use are meant.
    const elsewhere = join(folder.root, 'elsewhere/candidate')
    await cp(folder.config, elsewhere, { recursive: true })
    const inUse = { POSTERN_CONFIG: folder.config }
    const typed = ['replay', '--since', '1h', '--config', elsewhere]
    expect(await runPostern(typed, undefined, inUse)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(': 0 changed, 5 the same, 0 not replayable'),
    })
    const written = await folder.read('postern.yaml')
    const write = (path: string, text: string) => folder.write(`../candidate/${path}`, text)
    const change = (from: string, to: string) => write('postern.yaml', written.replace(from, to))

    expect(await replay()).toMatchObject({ transactions: 5, same: 5, changed: 0, notReplayable: 0 })

    // What SPF remembered of the first visit stands in the traces of the others too.
    await change('{ plugin: spf }', "{ plugin: spf, options: { level: '2' } }")
    expect(await replay()).toMatchObject({
      same: 4,
      // It is let on to who was not asked then.
      reasons: [{ entry: 'greylist', count: 1 }],
    })

    // A listed client is refused where the list weighs enough.
    await change('threshold: 2', 'threshold: 1')
    const stricter = await replay()
    expect(stricter).toMatchObject({ changed: 5, notReplayable: 0 })
    expect(stricter.changes.map(({ to }) => to)).toEqual(
      stricter.changes.map(() => expect.stringContaining('(dnsbl)')),
    )

    // What it scores counts, where the threshold is lower.
    await change('quarantine: 9', 'quarantine: 3')
    expect(await replay()).toMatchObject({
      same: 3,
      changes: [{ from: 'accepted', to: 'held SCORE', count: 2 }],
    })

    // Without the greylist the first visit would have been let on; nobody knows what would have come.
    await change('  - { plugin: greylist, options: { hold: 1ms } }\n', '')
    expect(await replay()).toMatchObject({
      same: 4,
      changes: [{ from: expect.stringContaining('(greylist)'), to: 'passed', count: 1 }],
    })

    // The shadow in force, by what it said then.
    await change('{ plugin: badhelo, mode: shadow }', '{ plugin: badhelo }')
    expect(await replay()).toMatchObject({
      changes: [{ from: 'accepted', to: expect.stringContaining('(badhelo)'), count: 1 }],
    })

    // Longer waiting, by the times that the greylist knew.
    await change('hold: 1ms', 'hold: 1h')
    const waiting = await replay()
    expect(waiting).toMatchObject({ changed: 2, notReplayable: 0 })
    expect(waiting.changes).toMatchObject([{ from: 'accepted', count: 2 }])

    // Another list would have to be asked: nothing is guessed.
    await change('lists: [bl.test]', 'lists: [bl.test, other.test]')
    const unknown = await replay()
    expect(unknown).toMatchObject({ same: 0, notReplayable: 5 })
    expect(unknown.reasons[0]).toMatchObject({
      entry: 'dnsbl',
      why: expect.stringContaining('other.test'),
    })

    await write('postern.yaml', written)
    await write('control/rcpthosts', 'other.test\n')
    expect(await replay()).toMatchObject({ changed: 3, notReplayable: 0 })
    expect(dns.questions).toHaveLength(asked)
  },
)

const attached = [
  'Subject: a program',
  'From: <a@good.test>',
  'MIME-Version: 1.0',
  'Content-Type: application/octet-stream; name="game.exe"',
  '',
  'MZ',
  '.',
].join('\r\n')

test(
  'an entry that looks into messages is put to those that the spool still holds, and to no other',
  { timeout: 120_000 },
  async () => {
    const chain = '[{ plugin: rcpthosts }]'
    const small = `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins]
chain: ${chain}
spool: { path: ../var/spool }
store: { path: ../var/store.db }
`
    folder = await gatewayFolder(small)
    await folder.write('control/rcpthosts', 'postern.test\n')
    const gateway = await startGateway(folder)
    const sent = async (text: string) => {
      const lines = [
        'EHLO c.test',
        'MAIL FROM:<a@good.test>',
        'RCPT TO:<bob@postern.test>',
        'DATA',
        text,
        'QUIT',
      ]
      return (await dialogue(gateway.port, lines)).at(-2)
    }
    const pause = await runPostern(['pause', '--config', folder.config])
    expect(pause.code).toBe(0)
    expect(await sent(attached)).toMatch(/^250/)
    expect(await sent(letter)).toMatch(/^250/)
    expect(await gateway.stop()).toBe(0)
    const candidate = join(folder.root, 'candidate')
    await cp(folder.config, candidate, { recursive: true })
    const rules = '{ plugin: attachments, options: { rules: [reject extension exe] } }'
    await folder.write(
      '../candidate/postern.yaml',
      (await folder.read('postern.yaml')).replace(chain, `[{ plugin: rcpthosts }, ${rules}]`),
    )
    const question = { candidate, recorded: folder.config, sinceMs: 3_600_000, limit: 10 }
    expect(await runReplay(question)).toMatchObject({
      mistakes: [],
      changed: 1,
      same: 1,
      notReplayable: 0,
      changes: [{ from: 'accepted', to: expect.stringContaining('(attachments)') }],
    })
    await rm(join(folder.root, 'var/spool'), { recursive: true })
    expect(await runReplay(question)).toMatchObject({ notReplayable: 2 })
  },
)
