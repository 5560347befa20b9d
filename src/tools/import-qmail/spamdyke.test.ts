import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { parseListRules } from '../../formats/list-rules.ts'
import { latin1 } from '../../formats/octets.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import type { ImportFact } from './findings.ts'
import { planQmailImport } from './plan.ts'

const smtpd = (line: string): string => `#!/bin/sh\nexec ${line} 2>&1\n`

async function imported(files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), 'postern-spamdyke-'))
  try {
    const usual = {
      '/var/qmail/control/me': 'mx.example\n',
      '/var/qmail/control/rcpthosts': 'mx.example\n',
      '/etc/tcp.smtp': ':allow\n',
    }
    for (const [path, text] of Object.entries({ ...usual, ...files })) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
    }
    const {
      yaml,
      files: made,
      facts,
    } = await planQmailImport({
      disk: systemDisk,
      tree: join(root, 'var/qmail'),
      scripts: [],
      shiftPorts: 0,
      pluginFolder: '/plugins',
      state: '../var',
      inPlace: false,
    })
    const of = (outcome: ImportFact['outcome']): readonly string[] =>
      facts.filter((fact) => fact.outcome === outcome).map(({ what }) => what)
    return { yaml, facts, of, text: (name: string) => latin1(made.get(name) ?? new Uint8Array()) }
  } finally {
    await rm(root, { recursive: true })
  }
}

test('spamdyke becomes entries, rules of lists and settings of the listener, whatever stands behind it', async () => {
  const { facts, yaml, text, of } = await imported({
    '/service/smtpd/run': smtpd(
      'tcpserver -c 20 0 25 /usr/bin/spamdyke -e 5 --config-file /etc/spamdyke.conf rblsmtpd -r bad.example qmail-smtpd',
    ),
    '/etc/spamdyke.conf': [
      '# ours',
      'dns-blacklist-entry=zen.example',
      'dns-whitelist-entry=good.example',
      'rhs-blacklist-file=/etc/spamdyke.d/rhs',
      'reject-empty-rdns',
      'reject-missing-sender-mx=yes',
      'reject-unresolvable-rdns=no',
      'reject-identical-sender-recipient',
      'graylist-level=always-create-dir',
      'graylist-dir=/var/graylist',
      'graylist-min-secs=300',
      'graylist-max-secs=1814400',
      'graylist-exception-ip-entry=192.0.2',
      'ip-whitelist-file=/etc/spamdyke.d/white',
      'ip-blacklist-entry=198.51.100.7',
      'ip-blacklist-entry=192.0.2.1-9',
      'sender-blacklist-entry=@spam.test',
      'recipient-blacklist-entry=nobody@mx.example',
      'recipient-whitelist-entry=joe@mx.example',
      'max-recipients=50',
      'idle-timeout-secs=480',
      'tls-certificate-file=/var/qmail/control/servercert.pem',
      'tls-privatekey-password=sesame',
      'smtp-auth-level=ondemand',
      'smtp-auth-command=/home/vpopmail/bin/vchkpw /bin/true',
      'relay-level=allow-all',
      'config-dir=/etc/spamdyke.d/clients',
      'config-file=/etc/more.conf',
      'no-such-option=1',
    ].join('\n'),
    '/etc/spamdyke.d/rhs': 'rhs.example\n',
    '/etc/spamdyke.d/white': '# white\n10.0.0.0/8\n198.51.100.7\n',
    '/var/qmail/control/servercert.pem': 'PEM',
  })
  expect(yaml).toMatch(/max_connections: 20[^]*max_recipients: 50 [^]*command_timeout: "480s"/)
  const [, chain = ''] = /\nchain:\n([^]*?)\n\n/.exec(yaml) ?? []
  expect(chain.split('\n').map((line) => line.replace(/ #.*/, ''))).toEqual(
    expect.arrayContaining([
      '  - plugin: dnsbl',
      '    name: dnsbl-spamdyke',
      '      delay: "5s"',
      '      refuse: nameless',
      '      lists: [zen.example]',
      '      allow: [good.example]',
      '      lists: [rhs.example]',
      '      command: [/home/vpopmail/bin/vchkpw, /bin/true]',
      '      hold: "300s"',
      '      lifetime: "1814400s"',
      '    unless: [{ authenticated: true }, { allowed: true }, { network: ["192.0.2.0/24"] }]',
    ]),
  )
  expect(text('tables/lists')).toBe(
    'allow client 10.0.0.0/8\nallow client 198.51.100.7/32\nblock sender @spam.test\n' +
      'block sender .spam.test\nallow client 0.0.0.0/0 for joe@mx.example\nallow client ::/0 for joe@mx.example\n',
  )
  expect(parseListRules(Buffer.from(text('tables/lists'))).mistakes).toEqual([])
  expect(text('tables/spamdyke-badrcptto')).toBe('nobody@mx.example\n')
  expect(of('dangerous')).toContain('spamdyke relay-level=allow-all')
  const unsupported = of('unsupported').filter((what) => what.startsWith('spamdyke'))
  expect(unsupported).toEqual([
    "spamdyke's file /etc/more.conf",
    'spamdyke ip-blacklist: 1 lines',
    'spamdyke reject-identical-sender-recipient',
    'spamdyke tls-privatekey-password=***',
    'spamdyke config-dir=/etc/spamdyke.d/clients',
    'spamdyke no-such-option=1',
  ])
  expect(JSON.stringify(facts)).not.toContain('sesame')
  expect(facts).toContainEqual({
    outcome: 'mapped',
    what: 'spamdyke reject-empty-rdns',
    source: '/etc/spamdyke.conf:5',
    to: 'fcrdns',
  })
})

test('each listener has the lists of its own spamdyke', async () => {
  const service = (port: number, whom: string): string =>
    smtpd(
      `tcpserver 0 ${port} spamdyke --recipient-blacklist-entry=${whom} --sender-blacklist-entry=${whom} --config-file=/etc/spamdyke.conf qmail-smtpd`,
    )
  const { text, yaml, facts } = await imported({
    '/service/smtpd/run': service(25, 'one@mx.example'),
    '/service/submission/run': service(587, 'two@mx.example'),
    '/service/smtps/run': service(465, 'one@mx.example'),
    // It names itself.
    '/etc/spamdyke.conf': 'config-file=/etc/spamdyke.conf\nconfig-file=/etc\nconfig-file=\n',
  })
  expect(text('tables/spamdyke-badrcptto')).toBe('one@mx.example\n')
  expect(text('tables/spamdyke-badrcptto-2')).toBe('two@mx.example\n')
  expect(text('tables/lists')).toBe('block sender one@mx.example\n')
  expect(text('tables/lists-2')).toBe('block sender two@mx.example\n')
  const entryWith = (file: string): string =>
    yaml
      .split('  - plugin: ')
      .find((each) => each.includes(`file: "${file}"`) || each.includes(`file: ${file}\n`)) ?? ''
  expect(entryWith('tables/lists')).toContain('when: { listener: [smtp, smtps] }')
  expect(entryWith('tables/lists-2')).toContain('when: { listener: [submission] }')
  expect(entryWith('tables/spamdyke-badrcptto-2')).toContain('when: { listener: [submission] }')
  expect(facts).toContainEqual(
    expect.objectContaining({
      to: 'tables/lists-2',
      remark: 'another listener has other lists: postern list changes those of tables/lists alone',
    }),
  )
})

test('a number of spamdyke that cannot be read is told, and left out', async () => {
  const { facts, yaml } = await imported({
    '/service/smtpd/run': smtpd('tcpserver 0 25 spamdyke -f /etc/spamdyke.conf qmail-smtpd'),
    '/etc/spamdyke.conf': [
      'greeting-delay-secs=5s',
      'max-recipients=1.5',
      'idle-timeout-secs=-1',
      'graylist-level=always',
      'graylist-min-secs=',
      'graylist-max-secs=0',
    ].join('\n'),
  })
  expect(facts.filter(({ remark }) => remark?.startsWith('it is no number'))).toEqual(
    [
      ['greeting-delay-secs=5s', 1],
      ['graylist-min-secs=', 5],
      ['max-recipients=1.5', 2],
      ['idle-timeout-secs=-1', 3],
    ].map(([what, line]) => ({
      outcome: 'unsupported',
      what: `spamdyke ${what}`,
      source: `/etc/spamdyke.conf:${line}`,
      remark: 'it is no number from 0 to 999999999: nothing of it is taken over',
    })),
  )
  expect(yaml).not.toMatch(/early-talker|max_recipients|command_timeout|lifetime/)
})
